import type { Context, StreamMessage } from '#runtime'
import { type MessageId, type RoomId, readNotifyId } from '#schema/ids'
import { chatRoom, chatThread, type RoomEvent } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'

/** Whoever missed more than this reads the history anew, which is less to send. */
const limit = 500

type Events = StreamMessage<RoomEvent>[]

/**
 * All that happened in a room and its threads after an event; undefined where the log does not reach
 * back so far, or has too much. What was said and is deleted by the end of it is not among it, though
 * the log may still have it: where the database is away, it is erased as far as was found.
 */
export async function readSince(
  room: RoomId,
  since: number,
  context: Pick<Context, 'readAfter'>,
): Promise<Events | undefined> {
  const missing = new Set<MessageId>()
  for (;;) {
    const topics = [chatRoom, chatThread]
    const events = await context.readAfter(CHAT_MESSAGES, topics, { room }, since, limit)
    if (!events) return undefined
    // What was erased while we read was deleted before it was, and perhaps after what we have. The
    // next read has that; what it lacks all the same is a second copy, which no deletion tells of.
    const torn = findIncomplete(events, since).filter((id) => !missing.has(id))
    if (torn.length === 0) return withoutDeleted(events)
    for (const id of torn) missing.add(id)
  }
}

/** Of which messages there is only what was done to them, and neither what they were nor their end. */
function findIncomplete(events: Events, since: number): MessageId[] {
  const known = new Set<MessageId>()
  for (const { data } of events) {
    if (data.kind === 'message') known.add(data.id)
    else if (data.kind === 'delete') known.add(readNotifyId(data.message.notifyId).id)
  }
  return events.flatMap(({ data }) => {
    if (data.kind !== 'edit' && data.kind !== 'react') return []
    const { id, seq } = readNotifyId(data.message.notifyId)
    return seq > since && !known.has(id) ? [id] : []
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
