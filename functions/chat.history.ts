import { findPersistedSequence } from '#domain/log/persisted-sequence'
import { maskDeleted } from '#domain/log/unpersisted'
import { readPage } from '#domain/messages/history-page'
import { requireMember } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { chatHistory } from '#schema/messages/chat'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** Reads one page of a room, from where it is told to. */
export default defineFunction(
  chatHistory,
  async (asked, context) => {
    const { user } = await requireMember(asked.room, context)
    // A page says which threads there are, and whoever has read it is told of none before `asOf`.
    const handled = await findPersistedSequence('threads too', context)
    const page = await readPage({ ...asked, caller: user })
    const messages = await maskDeleted(asked.room, page.messages, handled, context)
    return { ...page, messages, asOf: Math.min(page.asOf, handled.seq) }
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 300, windowMs: 60_000 } },
)
