import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { deliverNotify } from '#schema/messages/event'
import type { Role } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { members } from '#schema/tables/room'
import { expectSameRejection, newRoomId, type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

function setRole(room: string, userId: string, role: Role, as: TestPerson) {
  return app.call('room.role', { room, userId, role }, as)
}

async function readOwners(room: RoomId) {
  const isOwner = and(eq(members.room, room), eq(members.role, 'owner'))
  return (await db.select().from(members).where(isOwner)).map(({ userId }) => userId)
}

describe('room.role', () => {
  it('changes the role of a member', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'private', { alice: 'owner' })

    expect(await setRole(room, 'bob', 'moderator', 'alice')).toEqual({})

    await app.call('room.kick', { room, userId: 'charlie' }, 'bob')
    const live = await (await app.openBucket(ROOMS_KV)).get(`${room}.bob`)
    expect(live?.json()).toEqual({ kind: 'private', role: 'moderator' })
    expect(await app.call('room.info', { room }, 'bob')).toMatchObject({ role: 'moderator' })
  })

  it('publishes and stores a role event', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await setRole(room, 'bob', 'guest', 'alice')

    const event = { kind: 'member', action: 'role', userId: 'bob', role: 'guest', by: 'alice' }
    expect(await toBob.next()).toMatchObject({ event })
    expect(await app.readEvents(room)).toMatchObject([event])
  })

  it('stores one role event for repeated calls', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })

    await setRole(room, 'bob', 'moderator', 'alice')
    await setRole(room, 'bob', 'moderator', 'alice')

    expect(await app.readEvents(room)).toHaveLength(1)
  })

  it.each([
    ['an owner', 'owner', 'member', 'owner'],
    ['an owner', 'owner', 'moderator', 'member'],
    ['an owner', 'owner', 'owner', 'guest'],
    ['a moderator', 'moderator', 'member', 'guest'],
    ['a moderator', 'moderator', 'guest', 'member'],
  ] as const)('lets $0 change the role of a user from $2 to $3', async (_name, alice, bob, to) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice, bob })

    await setRole(room, 'bob', to, 'alice')

    expect(await app.call('room.info', { room }, 'bob')).toMatchObject({ role: to })
  })

  it.each([
    ['a moderator who promotes a member to moderator', 'moderator', 'member', 'moderator'],
    ['a moderator who promotes a member to owner', 'moderator', 'member', 'owner'],
    ['a moderator who demotes a moderator', 'moderator', 'moderator', 'member'],
    ['a moderator who demotes an owner', 'moderator', 'owner', 'member'],
    ['a member who demotes a member', 'member', 'member', 'guest'],
    ['a guest who promotes a guest', 'guest', 'guest', 'member'],
  ] as const)('rejects a call by %s as forbidden', async (_name, alice, bob, to) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice, bob })

    await expect(setRole(room, 'bob', to, 'alice')).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.readEvents(room)).toEqual([])
  })

  it('lets a moderator lower their own role, but not raise it', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', {
      alice: 'owner',
      bob: 'moderator',
    })

    await expect(setRole(room, 'bob', 'owner', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    await setRole(room, 'bob', 'member', 'bob')

    expect(await app.call('room.info', { room }, 'bob')).toMatchObject({ role: 'member' })
  })

  it('rejects as a conflict a role change that would leave the room without an owner', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })

    await expect(setRole(room, 'alice', 'member', 'alice')).rejects.toMatchObject({
      code: 'conflict',
    })
    await setRole(room, 'bob', 'owner', 'alice')
    await setRole(room, 'alice', 'member', 'alice')

    expect(await readOwners(room)).toEqual(['bob'])
  })

  it.each([
    ['demote each other', setRole],
    ['kick each other', (room, userId, _role, as) => app.call('room.kick', { room, userId }, as)],
    ['leave', (room, _userId, _role, as) => app.call('room.leave', { room }, as)],
    ['lower their own role', (room, _userId, role, as) => setRole(room, as, role, as)],
  ] as const satisfies [string, typeof setRole][])(
    'keeps one owner when two owners %s concurrently',
    async (_name, perform) => {
      for (let round = 0; round < 10; round++) {
        const room = await app.createRoom(['alice', 'bob', 'charlie'], 'public', {
          alice: 'owner',
          bob: 'owner',
        })
        const calls = [
          perform(room, 'bob', 'member', 'alice'),
          perform(room, 'alice', 'member', 'bob'),
        ] as const

        const outcomes = await Promise.allSettled(calls)

        expect(await readOwners(room)).toHaveLength(1)
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      }
    },
  )

  it('rejects as forbidden a role for a non-member, and a role change in a direct room', async () => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })
    const direct = await app.createRoom(['alice', 'bob'], 'direct', { alice: 'owner' })

    for (const userId of ['bob', 'nobody'])
      await expect(setRole(room, userId, 'member', 'alice')).rejects.toMatchObject({
        code: 'forbidden',
      })
    await expect(setRole(direct, 'bob', 'guest', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('rejects calls by non-members and a former owner with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner', bob: 'owner' })
    await app.call('room.leave', { room }, 'bob')
    const absent = newRoomId()

    for (const as of ['bob', 'charlie'] as const) {
      await expectSameRejection((id) => setRole(id, 'alice', 'guest', as), {
        hidden: room,
        absent,
      })
    }
    expect(await readOwners(room)).toEqual(['alice'])
  })

  it.each(['king', '', 'Owner', 'constructor'])(
    'rejects the role "%s" as invalid',
    async (role) => {
      const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
      const payload = JSON.stringify({ userId: 'bob', role })

      const answer = await app.request(`as.alice.room.role.${room}`, payload, 'alice')

      expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
    },
  )

  it.each(badPayloads({ userId: 'bob', role: 'guest' }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })

      const { status } = await app.request(`as.alice.room.role.${room}`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
      expect(await app.readEvents(room)).toEqual([])
    },
  )
})
