import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { users } from '#schema/tables/user'
import { type App, newClientId, newUserId } from './app.ts'

/** Returns helpers for tests with two users who share no room. */
export function strangersOf(app: App) {
  const clientOf = (user: UserId) => app.clientFor(user)
  return {
    async createUser(): Promise<UserId> {
      const id = newUserId()
      await db.insert(users).values({ id, name: id })
      return id
    },
    async openDirect(user: UserId, other: UserId): Promise<RoomId> {
      return (await (await clientOf(user)).call('room.direct', { with: other })).room.id
    },
    async send(user: UserId, room: RoomId) {
      const message = { room, clientId: newClientId(), text: 'hello' }
      return (await clientOf(user)).call('send', message)
    },
    async block(user: UserId, userId: UserId) {
      return (await clientOf(user)).call('user.block', { userId })
    },
    async readRoom(user: UserId, room: RoomId) {
      const { rooms } = await (await clientOf(user)).call('room.list', {})
      return rooms.find(({ id }) => id === room)
    },
  }
}
