import { type MessageId, type RoomId, readNotifyId, type UserId } from '#schema/ids'
import type { Placed } from '#schema/messages/log'

/** A message as the log says it is now. */
export interface Replayed {
  room: RoomId
  seq: number
  threadId: MessageId | ''
  sender: UserId
  text: string
  mentions: readonly UserId[]
  isDeleted: boolean
  /** `{user} {emoji}` */
  reactions: Set<string>
}

/** What became of each message, from the events in their order. What is said twice is said once. */
export function replay(log: readonly Placed[]): Map<MessageId, Replayed> {
  const messages = new Map<MessageId, Replayed>()
  const early: Placed[] = []
  for (const { seq, event } of log) {
    if (event.kind === 'message') {
      const { id, room, sender, text, mentions, threadId = '' as const } = event
      if (messages.has(id)) continue
      const isDeleted = false
      messages.set(id, {
        room,
        seq,
        threadId,
        sender,
        text,
        mentions,
        isDeleted,
        reactions: new Set(),
      })
    } else if ('message' in event) early.push({ seq, event })
  }
  for (const { event } of early) {
    if (!('message' in event)) continue
    const { id, seq } = readNotifyId(event.message.notifyId)
    if (event.kind === 'delete') {
      const { room, message } = event
      // It is erased from the log, so what is known of it is what its deletion says.
      const { sender, threadId = '' as const } = message
      const gone = { text: '', mentions: [], isDeleted: true, reactions: new Set<string>() }
      messages.set(id, { room, seq, threadId, sender, ...gone })
      continue
    }
    const found = messages.get(id)
    if (!found || found.isDeleted) continue
    if (event.kind === 'edit') {
      found.text = event.text
      found.mentions = event.mentions
    } else if (event.kind === 'react') {
      const word = `${event.by} ${event.emoji}`
      if (event.on) found.reactions.add(word)
      else found.reactions.delete(word)
    }
  }
  return messages
}
