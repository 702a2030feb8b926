import { defineFunction } from '#runtime'
import { chatSync } from '#schema/messages/chat'
import { chatRoom, chatThread } from '#schema/messages/log'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { requireMember } from './_member.ts'

/** Whoever missed more than this reads the history anew, which is less to send. */
const limit = 500

/** Reads what happened in a room while somebody was away: all of it from the log, or nothing. */
export default defineFunction(
  chatSync,
  async ({ room, since }, context) => {
    await requireMember(room, context)
    const topics = [chatRoom, chatThread]
    const stored = await context.readAfter(CHAT_MESSAGES, topics, { room }, since, limit)
    if (!stored) return { recovered: false }
    return { recovered: true, events: stored.map(({ seq, data }) => ({ seq, event: data })) }
  },
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
