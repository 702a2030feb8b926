import { type Context, FunctionError } from '#runtime'
import type { MessageId, RoomId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { findMessageById } from './message-cache.ts'

/** Throws `forbidden` if the message does not exist in the room, or is itself a reply. */
export async function requireThreadRoot(
  room: RoomId,
  threadId: MessageId,
  context: Context,
): Promise<Message> {
  const first = await findMessageById(room, threadId, context)
  if (first && first.threadId === undefined) return first
  throw new FunctionError(
    'forbidden',
    `Message ${threadId} does not exist in room ${room}, or is a reply`,
  )
}
