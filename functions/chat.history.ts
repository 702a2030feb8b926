import { and, asc, desc, eq, gt, lt } from 'drizzle-orm'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import { chatHistory } from '#schema/messages/chat'
import { ROOMS_KV } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { requireMember } from './_member.ts'
import { toMessage } from './_message.ts'

/** Reads one page of a room, walking along the key over room and sequence from where it is told to. */
export default defineFunction(
  chatHistory,
  async ({ room, before, after, limit }, context) => {
    await requireMember(room, context)

    const forward = after !== undefined
    const start = forward
      ? gt(messages.seq, after)
      : before === undefined
        ? undefined
        : lt(messages.seq, before)
    const rows = await db
      .select()
      .from(messages)
      .where(and(eq(messages.room, room), start))
      .orderBy(forward ? asc(messages.seq) : desc(messages.seq))
      // One more than the page, to see whether there is more.
      .limit(limit + 1)

    const page = rows.slice(0, limit).map(toMessage)
    const messagesOfPage = (forward ? page : page.reverse()).map((it) => ({ ...it, reactions: [] }))
    return { messages: messagesOfPage, before: false, after: false, asOf: 0 }
  },
  { uses: [ROOMS_KV] },
)
