import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { deliverNotify } from '#schema/messages/event'
import type { Role } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { members } from '#schema/tables/room'
import { type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

function appoint(room: string, userId: string, role: Role, as: TestPerson) {
  return app.call('room.role', { room, userId, role }, as)
}

async function ownersOf(room: RoomId) {
  const isOwner = and(eq(members.room, room), eq(members.role, 'owner'))
  return (await db.select().from(members).where(isOwner)).map(({ userId }) => userId)
}

describe('room.role', () => {
  it('changes what a member may do', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'private', { alice: 'owner' })

    expect(await appoint(room, 'bob', 'moderator', 'alice')).toEqual({})

    await app.call('room.kick', { room, userId: 'charlie' }, 'bob')
    const live = await (await app.openBucket(ROOMS_KV)).get(`${room}.bob`)
    expect(live?.json()).toEqual({ kind: 'private', role: 'moderator' })
    expect(await app.call('room.info', { room }, 'bob')).toMatchObject({ role: 'moderator' })
  })

  it('tells the room, and keeps it in its log', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await appoint(room, 'bob', 'guest', 'alice')

    const event = { kind: 'member', action: 'role', userId: 'bob', role: 'guest', by: 'alice' }
    expect(await toBob.next()).toMatchObject({ event })
    expect(await app.readEvents(room)).toMatchObject([event])
  })

  it('does nothing the second time', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })

    await appoint(room, 'bob', 'moderator', 'alice')
    await appoint(room, 'bob', 'moderator', 'alice')

    expect(await app.readEvents(room)).toHaveLength(1)
  })

  it.each([
    ['an owner', 'owner', 'member', 'owner'],
    ['an owner', 'owner', 'moderator', 'member'],
    ['an owner', 'owner', 'owner', 'guest'],
    ['a moderator', 'moderator', 'member', 'guest'],
    ['a moderator', 'moderator', 'guest', 'member'],
  ] as const)('lets %s make a %3$s of a %2$s', async (_name, alice, bob, to) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice, bob })

    await appoint(room, 'bob', to, 'alice')

    expect(await app.call('room.info', { room }, 'bob')).toMatchObject({ role: to })
  })

  it.each([
    ['a moderator, another like them', 'moderator', 'member', 'moderator'],
    ['a moderator, an owner', 'moderator', 'member', 'owner'],
    ['a moderator, another taken down', 'moderator', 'moderator', 'member'],
    ['a moderator, an owner taken down', 'moderator', 'owner', 'member'],
    ['a member', 'member', 'member', 'guest'],
    ['a guest', 'guest', 'guest', 'member'],
  ] as const)('refuses %s', async (_name, alice, bob, to) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice, bob })

    await expect(appoint(room, 'bob', to, 'alice')).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.readEvents(room)).toEqual([])
  })

  it('lets people step down, and not up', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', {
      alice: 'owner',
      bob: 'moderator',
    })

    await expect(appoint(room, 'bob', 'owner', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    await appoint(room, 'bob', 'member', 'bob')

    expect(await app.call('room.info', { room }, 'bob')).toMatchObject({ role: 'member' })
  })

  it('keeps the last owner, until there is another', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })

    await expect(appoint(room, 'alice', 'member', 'alice')).rejects.toMatchObject({
      code: 'conflict',
    })
    await appoint(room, 'bob', 'owner', 'alice')
    await appoint(room, 'alice', 'member', 'alice')

    expect(await ownersOf(room)).toEqual(['bob'])
  })

  it.each([
    ['take each other down', appoint],
    ['kick each other', (room, userId, _role, as) => app.call('room.kick', { room, userId }, as)],
    ['leave', (room, _userId, _role, as) => app.call('room.leave', { room }, as)],
    ['step down', (room, _userId, role, as) => appoint(room, as, role, as)],
  ] as const satisfies [string, typeof appoint][])(
    'leaves an owner to a room whose two owners %s at the same moment',
    async (_name, act) => {
      for (let round = 0; round < 10; round++) {
        const room = await app.createRoom(['alice', 'bob', 'charlie'], 'public', {
          alice: 'owner',
          bob: 'owner',
        })
        const acts = [
          act(room, 'bob', 'member', 'alice'),
          act(room, 'alice', 'member', 'bob'),
        ] as const

        const outcomes = await Promise.allSettled(acts)

        expect(await ownersOf(room)).toHaveLength(1)
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      }
    },
  )

  it('refuses who is not there, and a room of two', async () => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })
    const direct = await app.createRoom(['alice', 'bob'], 'direct', { alice: 'owner' })

    for (const userId of ['bob', 'nobody'])
      await expect(appoint(room, userId, 'member', 'alice')).rejects.toMatchObject({
        code: 'forbidden',
      })
    await expect(appoint(direct, 'bob', 'guest', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('refuses strangers, and who was there once, as if there were no room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner', bob: 'owner' })
    await app.call('room.leave', { room }, 'bob')
    const absent = `room-${crypto.randomUUID()}`
    const refusal = (id: string, as: TestPerson) =>
      appoint(id, 'alice', 'guest', as).catch((error) => error)

    for (const as of ['bob', 'charlie'] as const) {
      const [there, notThere] = [await refusal(room, as), await refusal(absent, as)]
      expect(there).toMatchObject({ code: 'forbidden' })
      expect(notThere.code).toBe(there.code)
      expect(notThere.message.replace(absent, room)).toBe(there.message)
    }
    expect(await ownersOf(room)).toEqual(['alice'])
  })

  it.each(['king', '', 'Owner', 'constructor'])('refuses the role "%s"', async (role) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    const payload = JSON.stringify({ userId: 'bob', role })

    const answer = await app.request(`as.alice.room.role.${room}`, payload, 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each(badPayloads({ userId: 'bob', role: 'guest' }))('refuses %s', async (_name, payload) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })

    const { status } = await app.request(`as.alice.room.role.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
    expect(await app.readEvents(room)).toEqual([])
  })
})
