import type { Context, StreamMessage } from '#runtime'
import { type MessageId, type RoomId, readNotifyId } from '#schema/ids'
import { chatRoom, chatThread, type RoomEvent } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'

/**
 * Maximum number of events to return. A client that missed more events reloads the history, which is
 * less data.
 */
const maxEvents = 500

type Events = StreamMessage<RoomEvent>[]

/**
 * Returns the events of a room and its threads after the sequence `since`, in order. Returns
 * undefined when CHAT_MESSAGES no longer reaches back that far or has more than `maxEvents` such
 * events. Leaves out deleted messages and their edits, which may still be in the stream: while the
 * database is unavailable, a deletion does not purge all of them.
 */
export async function readSince(
  room: RoomId,
  since: number,
  context: Pick<Context, 'readAfter'>,
): Promise<Events | undefined> {
  const checked = new Set<MessageId>()
  for (;;) {
    const topics = [chatRoom, chatThread]
    const events = await context.readAfter(CHAT_MESSAGES, topics, { room }, since, maxEvents)
    if (!events) return undefined
    // If a message was purged during the read, its deletion event may have been stored after the
    // read; the next read includes that event. If the message and its deletion are still missing
    // then, the message was a duplicate, which is purged without a deletion event.
    const incomplete = findIncomplete(events, since).filter((id) => !checked.has(id))
    if (incomplete.length === 0) return withoutDeleted(events)
    for (const id of incomplete) checked.add(id)
  }
}

/**
 * Returns the ids of messages sent after `since` of which `events` contains an edit or a reaction,
 * but neither the message itself nor its deletion.
 */
function findIncomplete(events: Events, since: number): MessageId[] {
  const complete = new Set<MessageId>()
  for (const { data } of events) {
    if (data.kind === 'message') complete.add(data.id)
    else if (data.kind === 'delete') complete.add(readNotifyId(data.message.notifyId).id)
  }
  return events.flatMap(({ data }) => {
    if (data.kind !== 'edit' && data.kind !== 'react') return []
    const { id, seq } = readNotifyId(data.message.notifyId)
    return seq > since && !complete.has(id) ? [id] : []
  })
}

function withoutDeleted(events: Events): Events {
  const deleted = new Set(
    events.flatMap(({ data }) =>
      data.kind === 'delete' ? [readNotifyId(data.message.notifyId).id] : [],
    ),
  )
  return events.filter(({ data }) => {
    if (data.kind === 'message') return !deleted.has(data.id)
    return data.kind !== 'edit' || !deleted.has(readNotifyId(data.message.notifyId).id)
  })
}
