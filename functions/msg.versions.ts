import { asc, eq } from 'drizzle-orm'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import { msgVersions } from '#schema/messages/chat'
import { messageVersions } from '#schema/tables/message'
import { changes, requireMessage } from './_change.ts'
import { requireRight } from './_roles.ts'

/** Reads what a message said before it was edited. Of a deleted one nothing is left. */
export default defineFunction(
  msgVersions,
  async ({ notifyId }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    if (message.sender !== member.user) requireRight(member, 'moderate')
    if (message.deletedAt) return { versions: [] }

    const texts = await db
      .select({ text: messageVersions.text, at: messageVersions.at })
      .from(messageVersions)
      .where(eq(messageVersions.messageId, message.id))
      .orderBy(asc(messageVersions.seq))
    // The last one is what it says now.
    const versions = texts.slice(0, -1).map(({ text, at }) => ({ text, at: at.toISOString() }))
    return { versions }
  },
  { uses: changes, limit: { max: 120, windowMs: 60_000 } },
)
