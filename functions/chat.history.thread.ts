import { readHistory } from '#domain/messages/history'
import { defineFunction } from '#runtime'
import { chatHistoryThread } from '#schema/messages/chat'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

export default defineFunction(chatHistoryThread, readHistory, {
  resources: [CHAT_MESSAGES, ROOMS_KV],
  limit: { max: 300, windowMs: 60_000 },
})
