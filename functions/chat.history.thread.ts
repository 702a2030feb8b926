import { readHistory } from '#domain/messages/history'
import { defineFunction } from '#runtime'
import { chatHistoryThread } from '#schema/messages/chat'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** Returns one page of a thread's replies. */
export default defineFunction(chatHistoryThread, readHistory, {
  resources: [CHAT_MESSAGES, ROOMS_KV],
  limit: { max: 300, windowMs: 60_000 },
})
