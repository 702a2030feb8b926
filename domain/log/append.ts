import type { Context } from '#runtime'
import { chatRoom, type RoomEvent } from '#schema/messages/event'

/**
 * Appends an event to the stream CHAT_MESSAGES and returns its sequence. A second call with the
 * same `id` within ten minutes appends nothing and returns the sequence of the first event. Throws
 * `unavailable` if the stream is full or does not respond.
 */
export async function appendEvent(
  event: RoomEvent,
  context: Context,
  id?: string,
): Promise<number> {
  const { seq } = await context.append(chatRoom, event, id === undefined ? {} : { id })
  return seq
}
