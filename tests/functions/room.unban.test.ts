import { beforeAll, describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import { roomNotify } from '#schema/messages/event'
import { expectSameRejection, newRoomId, type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const unban = (room: RoomId, userId: string, as: TestPerson) =>
  app.call('room.unban', { room, userId }, as)

async function createClosedRoom(bob: 'member' | 'moderator' = 'member') {
  const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner', bob })
  await app.call('room.kick', { room, userId: 'charlie' }, 'alice')
  return room
}

beforeAll(() => app.createUsers('alice', 'bob', 'charlie'))

describe('room.unban', () => {
  it('lets the user join again', async () => {
    const room = await createClosedRoom('moderator')

    expect(await unban(room, 'charlie', 'bob')).toEqual({})
    expect(await unban(room, 'charlie', 'bob')).toEqual({})

    await expect(app.call('room.join', { room }, 'charlie')).resolves.toBeDefined()
  })

  it('makes the function fanout broadcast the events of a public room again once no user is banned', async () => {
    const room = await createClosedRoom()
    await app.call('room.kick', { room, userId: 'bob' }, 'alice')
    const toCharlie = await app.listen(roomNotify, { room }, 'charlie')

    await unban(room, 'charlie', 'alice')
    await unban(room, 'bob', 'alice')

    // For up to half a second, a process may have cached that the room has bans. It then publishes
    // to each member instead of broadcasting, so the test sends until a message is broadcast.
    for (let isReceived = false; !isReceived; ) {
      await app.send(room, 'for all', 'alice')
      await app.connectAs('charlie').then(({ nc }) => nc.flush())
      isReceived = toCharlie.unread().length > 0
    }
  })

  it('is needed before a banned user can be invited, even by an owner', async () => {
    const room = await createClosedRoom()
    const invite = (as: TestPerson) => app.call('room.invite', { room, userId: 'charlie' }, as)

    for (const as of ['alice', 'bob'] as const)
      await expect(invite(as)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(
      app.call('admin.role', { room, userId: 'charlie', role: 'member' }, 'alice'),
    ).rejects.toMatchObject({ code: 'forbidden' })
    await expect(app.call('room.join', { room }, 'charlie')).rejects.toMatchObject({
      code: 'forbidden',
    })
    await unban(room, 'charlie', 'alice')

    await expect(invite('bob')).resolves.toEqual({})
  })

  it('rejects a member as forbidden, and a non-member with the same error as for an unknown room', async () => {
    const room = await createClosedRoom()

    await expect(unban(room, 'charlie', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    await expectSameRejection((id) => unban(id, 'charlie', 'charlie'), {
      hidden: room,
      absent: newRoomId(),
    })
  })

  it.each(badPayloads({ userId: 'bob' }))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

    const { status } = await app.request(`as.alice.room.unban.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
