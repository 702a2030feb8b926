import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { users } from '#schema/tables/user'
import { newClientId, newUserId, nextRejection, useApp } from '../support/app.ts'

const app = useApp()

async function createUser(): Promise<UserId> {
  const id = newUserId()
  await db.insert(users).values({ id, name: id })
  return id
}

const clientOf = (user: UserId) => app.clientFor(user)

async function open(user: UserId, other: UserId): Promise<RoomId> {
  return (await (await clientOf(user)).call('room.direct', { with: other })).room.id
}

async function send(user: UserId, room: RoomId) {
  const client = await clientOf(user)
  return client.call('send', { room, clientId: newClientId(), text: 'hello' })
}

async function block(user: UserId, userId: UserId) {
  return (await clientOf(user)).call('user.block', { userId })
}

async function unblock(user: UserId, userId: UserId) {
  return (await clientOf(user)).call('user.unblock', { userId })
}

async function readRoom(user: UserId, room: RoomId) {
  const { rooms } = await (await clientOf(user)).call('room.list', {})
  return rooms.find(({ id }) => id === room)
}

/** Repeats a message that is rejected, because a process caches a membership for half a second. */
async function sendUntilAnswered(user: UserId, room: RoomId) {
  await expect.poll(() => send(user, room).then(Boolean, () => false)).toBe(true)
}

describe('user.unblock', () => {
  it('lets both users send again', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = await open(me, other)
    await block(me, other)

    expect(await unblock(me, other)).toEqual({})
    expect(await unblock(me, other)).toEqual({})

    for (const user of [me, other]) await sendUntilAnswered(user, room)
    expect(await readRoom(me, room)).not.toHaveProperty('isBlocked')
  })

  it('does not lift the block by the other user', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = await open(me, other)
    await block(me, other)
    await block(other, me)

    await unblock(me, other)

    for (const user of [me, other])
      expect(await nextRejection(() => send(user, room))).toBe('forbidden')
  })
})
