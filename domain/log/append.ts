import type { Context } from '#runtime'
import { chatRoom, type RoomEvent } from '#schema/messages/event'

/**
 * Writes an event into the room's one order and answers its sequence, once the log has it. `fanout`
 * tells the room, `persist` the database. With an `id`, writing it again within ten minutes writes
 * nothing. Throws `unavailable` when the log does not take it.
 */
export async function appendEvent(
  event: RoomEvent,
  context: Context,
  id?: string,
): Promise<number> {
  const { seq } = await context.append(chatRoom, event, id === undefined ? {} : { id })
  return seq
}
