import type { Context } from '#runtime'
import { chatRoom, type RoomEvent } from '#schema/messages/event'

/**
 * Appends an event to the room log and returns its sequence. A second call with the same `id` within ten
 * minutes appends nothing. Throws `unavailable` when the log is full or does not answer.
 */
export async function appendEvent(
  event: RoomEvent,
  context: Context,
  id?: string,
): Promise<number> {
  const { seq } = await context.append(chatRoom, event, id === undefined ? {} : { id })
  return seq
}
