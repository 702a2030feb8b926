import type { RoomId } from '#schema/ids'
import type { Chat } from '../chat/createChat.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { Router } from '../routing/createRoute.ts'

export function goToMention(chat: Chat, room: RoomId, { go }: Pick<Router, 'go'>): Promise<void> {
  return chat.attempt(async () => {
    const { mention } = await callWithRetry(chat.client, 'mention.find', { room })
    if (!mention) return
    const { id: message, threadId: thread } = mention
    go({ room, message, ...(thread === undefined ? {} : { thread }) })
  })
}

/**
 * Opens the oldest unread mention if it is in a thread, unless the user has meanwhile opened another
 * room or thread. Does not open a mention outside of threads: the room itself opens at its first unread
 * message.
 */
export async function goToMentionInThread(chat: Chat, room: RoomId, { route, go }: Router) {
  const answer = await chat.client.try('mention.find', { room })
  const { id: message, threadId: thread } = (answer.ok && answer.value.mention) || {}
  const { room: current, thread: open } = route()
  if (message && thread && current === room && open === undefined)
    go({ room, thread, message }, 'replace')
}
