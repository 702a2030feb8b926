import type { RoomId, UserId } from '#schema/ids'
import type { Chat } from '../chat/createChat.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'

export async function accept({ client, rooms }: Chat, room: RoomId): Promise<void> {
  await callWithRetry(client, 'room.join', { room })
  await rooms.refresh()
}

export async function decline({ client, rooms }: Chat, room: RoomId): Promise<void> {
  await callWithRetry(client, 'room.decline', { room })
  await rooms.refresh()
}

export async function setBlocked(
  { client, rooms }: Chat,
  userId: UserId,
  isBlocked: boolean,
): Promise<void> {
  await callWithRetry(client, isBlocked ? 'user.block' : 'user.unblock', { userId })
  await rooms.refresh()
}
