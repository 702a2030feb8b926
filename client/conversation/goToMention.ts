import type { RoomId } from '#schema/ids'
import type { UnreadMention } from '#schema/messages/thread'
import type { Chat } from '../chat/createChat.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { Router } from '../routing/createRoute.ts'

/** Opens the oldest unread mention of a room, which may be in a thread. */
export function goToMention(chat: Chat, room: RoomId, { go }: Pick<Router, 'go'>) {
  return findMention(chat, room, ({ id: message, threadId: thread }) =>
    go({ room, message, ...(thread === undefined ? {} : { thread }) }),
  )
}

/**
 * Opens the oldest unread mention if it is in a thread, unless the user has gone on to another room.
 * Outside threads, the room opens at its first unread message.
 */
export function goToMentionInThread(chat: Chat, room: RoomId, { route, go }: Router) {
  return findMention(chat, room, ({ id: message, threadId: thread }) => {
    const { room: current, thread: open } = route()
    if (thread !== undefined && current === room && open === undefined)
      go({ room, thread, message }, 'replace')
  })
}

function findMention(chat: Chat, room: RoomId, onFound: (mention: UnreadMention) => void) {
  return chat.attempt(async () => {
    const { mention } = await callWithRetry(chat.client, 'mention.find', { room })
    if (mention) onFound(mention)
  })
}
