import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { bans, members, rooms } from '#schema/tables/room'
import { users } from '#schema/tables/user'
import {
  expectSameRejection,
  newRoomId,
  newUserId,
  newUserIds,
  type TestPerson,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

function info(room: RoomId, as: TestPerson) {
  return app.call('room.info', { room }, as)
}

async function expectHidden(room: RoomId, as: TestPerson) {
  const absent = newRoomId()

  await expectSameRejection((id) => info(id, as), { hidden: room, absent })
}

describe('room.info', () => {
  it('returns a private room and its members to a member', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })

    const answer = await info(room, 'bob')

    expect(answer).toEqual({
      room: { id: room, name: 'A room', kind: 'private' },
      createdAt: expect.stringMatching(/Z$/),
      role: 'member',
      count: 2,
      members: [
        { userId: 'alice', role: 'owner', name: expect.any(String) },
        { userId: 'bob', role: 'member', name: expect.any(String) },
      ],
    })
    expect(Math.abs(Date.now() - Date.parse(answer.createdAt))).toBeLessThan(60_000)
  })

  it('returns a public room to a non-member, without a role of the caller', async () => {
    const room = await app.createRoom(['alice'])

    const answer = await info(room, 'charlie')

    expect(answer).toMatchObject({ room: { id: room, kind: 'public' }, count: 1 })
    expect(answer).not.toHaveProperty('role')
  })

  it('returns the display name of each member, or the id of a member who has never logged in', async () => {
    const room = await app.createRoom([], 'public')
    const [given, chosen, unknown] = [newUserId(), newUserId(), newUserId()]
    await db.insert(users).values([
      { id: given, name: 'Ada' },
      { id: chosen, name: 'Benjamin', chosenName: 'Ben' },
    ])
    for (const userId of [given, chosen, unknown]) await db.insert(members).values({ room, userId })

    const answer = await info(room, 'alice')

    expect(answer.members.map(({ userId, name }) => [userId, name])).toEqual([
      [given, 'Ada'],
      [chosen, 'Ben'],
      [unknown, unknown],
    ])
  })

  it('returns the 500 members who joined first, and the number of all members', async () => {
    const room = await app.createRoom([])
    const people = newUserIds(502)
    const joinedAt = (secondsAgo: number) => new Date(Date.UTC(2026, 0, 1) - secondsAgo * 1_000)
    await db
      .insert(members)
      .values(people.map((userId, index) => ({ room, userId, joinedAt: joinedAt(index) })))

    const answer = await info(room, 'alice')

    expect(answer.count).toBe(502)
    expect(answer.members.map(({ userId }) => userId)).toEqual(people.slice(2).reverse())
  })

  it('returns a room that has no members', async () => {
    const room = await app.createRoom([])

    expect(await info(room, 'alice')).toMatchObject({ count: 0, members: [] })
  })

  it('rejects a call by a non-member of a private room with the same error as for an unknown room', async () => {
    await expectHidden(await app.createRoom(['alice'], 'private'), 'bob')
  })

  it('rejects a call by a non-member of a direct room with the same error as for an unknown room', async () => {
    await expectHidden(await app.createRoom(['alice', 'bob'], 'direct'), 'charlie')
  })

  it('rejects a call for an archived room, even by a member, with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })
    await db.update(rooms).set({ archivedAt: new Date() }).where(eq(rooms.id, room))

    await expectHidden(room, 'alice')
    await expectHidden(room, 'bob')
  })

  it('rejects a user right after the ban', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    await info(room, 'bob')
    const membership = and(eq(members.room, room), eq(members.userId, 'bob' as UserId))
    await db.delete(members).where(membership)
    await db.insert(bans).values({ room, userId: 'bob' as UserId, by: 'alice' as UserId })

    await expectHidden(room, 'bob')
  })

  it('rejects a former member of a private room right after the removal', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    await info(room, 'bob')
    const membership = and(eq(members.room, room), eq(members.userId, 'bob' as UserId))
    await db.delete(members).where(membership)

    await expectHidden(room, 'bob')
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const room = await app.createRoom(['bob'], 'private')

    await expect(app.request(`as.bob.room.info.${room}`, '{}', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['Upper', 'x'.repeat(65)])('rejects %s, which is not a room id', async (room) => {
    const answer = await app.request(`as.alice.room.info.${room}`, '{}', 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'])

    const { status } = await app.request(`as.alice.room.info.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
