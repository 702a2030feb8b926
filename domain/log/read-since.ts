import type { Context, StreamMessage } from '#runtime'
import { type MessageId, type RoomId, readNotifyId } from '#schema/ids'
import { chatRoom, chatThread, type RoomEvent } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'

/**
 * A client that missed more events than this reloads the history, because a history page is less
 * data than the events.
 */
const maxEvents = 500

type Events = StreamMessage<RoomEvent>[]

/**
 * Returns the events of a room and its threads after the sequence `since`, in order. Leaves out
 * deleted messages and their edits. Returns undefined if CHAT_MESSAGES no longer contains all
 * events after `since`, or if there are more than `maxEvents` of them.
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
    // A message may be purged during the read, before its deletion event is read, so the events are
    // read again. If the deletion event is missing even then, the purged message was a duplicate:
    // duplicates are purged without a deletion event.
    const incomplete = findIncomplete(events, since).filter((id) => !checked.has(id))
    if (incomplete.length === 0) return withoutDeleted(events)
    for (const id of incomplete) checked.add(id)
  }
}

/**
 * Returns the ids of messages whose edit or reaction is in `events`, but whose own event and
 * deletion are missing.
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
