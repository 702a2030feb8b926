import { type MessageId, type RoomId, readNotifyId, type UserId } from '#schema/ids'
import type { PlacedEvent } from '#schema/messages/event'

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

export type Replay = ReadonlyMap<MessageId, Replayed>

/** What became of each message, from the events in their order. What is said twice is said once. */
export function replay(log: readonly PlacedEvent[]): Replay {
  const messages = new Map<MessageId, Replayed>()
  for (const { seq, event } of log) {
    if (event.kind !== 'message' || messages.has(event.id)) continue
    const { id, room, sender, text, mentions, threadId = '' } = event
    const untouched = { isDeleted: false, reactions: new Set<string>() }
    messages.set(id, { room, seq, threadId, sender, text, mentions, ...untouched })
  }
  // What is done to a message comes after it, but its deletion takes it out of the log.
  for (const { event } of log) {
    if (!('message' in event)) continue
    const { id, seq } = readNotifyId(event.message.notifyId)
    if (event.kind === 'delete') {
      const { room, message } = event
      const { sender, threadId = '' } = message
      const gone = { text: '', mentions: [], isDeleted: true, reactions: new Set<string>() }
      messages.set(id, { room, seq, threadId, sender, ...gone })
      continue
    }
    const found = messages.get(id)
    if (!found || found.isDeleted) continue
    if (event.kind === 'edit') {
      found.text = event.text
      found.mentions = event.mentions
    } else {
      const word = `${event.by} ${event.emoji}`
      if (event.on) found.reactions.add(word)
      else found.reactions.delete(word)
    }
  }
  return messages
}
