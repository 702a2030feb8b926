import { type MessageId, type RoomId, readNotifyId, type UserId } from '#schema/ids'
import type { PlacedEvent } from '#schema/messages/event'

export interface ReplayedMessage {
  room: RoomId
  seq: number
  threadId: MessageId | ''
  sender: UserId
  text: string
  mentions: readonly UserId[]
  isDeleted: boolean
  /** A key `{user} {emoji}` for each reaction. */
  reactions: Set<string>
}

export type Replay = ReadonlyMap<MessageId, ReplayedMessage>

/**
 * Returns the messages that result from the events of the log. If CHAT_MESSAGES has two copies of a
 * message, the first copy counts.
 */
export function replay(log: readonly PlacedEvent[]): Replay {
  const messages = new Map<MessageId, ReplayedMessage>()
  for (const { seq, event } of log) {
    if (event.kind !== 'message' || messages.has(event.id)) continue
    const { id, room, sender, text, mentions, threadId = '' } = event
    const unchanged = { isDeleted: false, reactions: new Set<string>() }
    messages.set(id, { room, seq, threadId, sender, text, mentions, ...unchanged })
  }
  // A deleted message is no longer in the stream, so its deletion event adds it in a second pass.
  for (const { event } of log) {
    if (!('message' in event)) continue
    const { id, seq } = readNotifyId(event.message.notifyId)
    if (event.kind === 'delete') {
      const { room, message } = event
      const { sender, threadId = '' } = message
      const erased = { text: '', mentions: [], isDeleted: true, reactions: new Set<string>() }
      messages.set(id, { room, seq, threadId, sender, ...erased })
      continue
    }
    const target = messages.get(id)
    if (!target || target.isDeleted) continue
    if (event.kind === 'edit') {
      target.text = event.text
      target.mentions = event.mentions
    } else {
      const reactionKey = `${event.by} ${event.emoji}`
      if (event.on) target.reactions.add(reactionKey)
      else target.reactions.delete(reactionKey)
    }
  }
  return messages
}
