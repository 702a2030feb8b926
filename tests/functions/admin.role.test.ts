import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { deliverNotify } from '#schema/messages/event'
import { roomChanged } from '#schema/messages/member'
import type { Role } from '#schema/messages/room'
import { rooms } from '#schema/tables/room'
import { newRoomId, type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

function setRole(room: string, userId: string, role: Role, as: TestPerson = 'alice') {
  return app.call('admin.role', { room, userId, role }, as)
}

describe('admin.role', () => {
  it('invites a non-member with the given role, even to a room that the administrator is not in', async () => {
    const room = await app.createRoom(['charlie'], 'private')

    expect(await setRole(room, 'bob', 'owner')).toEqual({})

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['charlie'] })
    await app.call('room.join', { room }, 'bob')
    const event = { kind: 'member', action: 'join', userId: 'bob', role: 'owner', by: 'bob' }
    expect(await app.readEvents(room)).toMatchObject([event])
    await app.call('room.kick', { room, userId: 'charlie' }, 'bob')
  })

  it('lets administrators add themselves to a room', async () => {
    const room = await app.createRoom(['charlie'])
    const changes = await app.listen(roomChanged, { room }, 'functions')
    const toAlice = await app.listen(deliverNotify, { user: 'alice', room }, 'alice')

    await setRole(room, 'alice', 'owner')

    expect(await changes.next()).toEqual({ room, action: 'join', userId: 'alice' })
    const event = { kind: 'member', action: 'join', userId: 'alice', role: 'owner', by: 'alice' }
    expect(await toAlice.next()).toMatchObject({ event })
  })

  it('changes the role of a member, even of an owner', async () => {
    const room = await app.createRoom(['bob', 'charlie'], 'public', { bob: 'owner' })

    await setRole(room, 'charlie', 'owner')
    await setRole(room, 'bob', 'guest')

    expect(await app.readEvents(room)).toMatchObject([
      { kind: 'member', action: 'role', userId: 'charlie', role: 'owner', by: 'alice' },
      { kind: 'member', action: 'role', userId: 'bob', role: 'guest', by: 'alice' },
    ])
    await expect(app.send(room, 'hm', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('stores one event when the same role is set twice', async () => {
    const room = await app.createRoom(['bob'])

    for (const userId of ['bob', 'alice'])
      for (let time = 0; time < 2; time++) await setRole(room, userId, 'moderator')

    expect(await app.readEvents(room)).toHaveLength(2)
  })

  it('rejects a role change of the last owner as a conflict', async () => {
    const room = await app.createRoom(['bob', 'charlie'], 'public', { bob: 'owner' })

    await expect(setRole(room, 'bob', 'member')).rejects.toMatchObject({ code: 'conflict' })
    expect(await app.readEvents(room)).toEqual([])
  })

  it('does not let the calling administrator read the history of a private room', async () => {
    const room = await app.createRoom(['bob'], 'private')

    await setRole(room, 'bob', 'owner')

    await expect(app.call('chat.sync', { room, since: 0 }, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('rejects a banned user and a direct, archived or unknown room with the same error message', async () => {
    const closed = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    await app.call('room.kick', { room: closed, userId: 'bob' }, 'alice')
    const archived = await app.createRoom(['bob'])
    await db.update(rooms).set({ archivedAt: new Date() }).where(eq(rooms.id, archived))
    const direct = await app.createRoom(['bob', 'charlie'], 'direct')
    const absent = newRoomId()

    for (const room of [closed, archived, direct, absent]) {
      const rejection = await setRole(room, 'bob', 'member').catch((error) => error)
      expect(rejection).toMatchObject({ code: 'forbidden' })
      expect(rejection.message).toBe(`bob cannot be given a role in room ${room}`)
    }
  })

  it.each(['bob', 'charlie'] as const)('rejects %s, who is not an admin', async (as) => {
    const room = await app.createRoom(['bob', 'charlie'], 'public', { bob: 'owner' })

    await expect(setRole(room, as, 'owner', as)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.readEvents(room)).toEqual([])
  })

  it.each(badPayloads({ userId: 'bob', role: 'guest' }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const room = await app.createRoom(['bob'])

      const { status } = await app.request(`as.alice.admin.role.${room}`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
      expect(await app.readEvents(room)).toEqual([])
    },
  )
})
