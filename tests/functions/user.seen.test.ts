import { and, eq, inArray, sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { roomNotify } from '#schema/messages/event'
import { bans, members, readStates } from '#schema/tables/room'
import { users } from '#schema/tables/user'
import { newUserId, newUserIds, useApp } from '../support/app.ts'

const app = useApp()

async function publishSeen(people: readonly UserId[], name?: string, handle?: string) {
  const { nc } = await app.connectAs('functions')
  for (const user of people) nc.publish(`user.seen.${user}`, JSON.stringify({ name, handle }))
  await nc.flush()
}

const readRow = async (user: UserId) => (await db.select().from(users).where(eq(users.id, user)))[0]

const general = 'general' as RoomId

async function isInGeneral(user: UserId): Promise<boolean> {
  return (await db.$count(members, and(eq(members.room, general), eq(members.userId, user)))) > 0
}

describe('user.seen', () => {
  it('stores a user at login, with the name from the token', async () => {
    await app.connectAs('alice')

    await expect.poll(() => readRow('alice' as UserId)).toMatchObject({ name: 'Alice Adams' })
  })

  it.each([
    ['a\u2028b', 'a b'],
    ['\u202eecilA', 'ecilA'],
    ['x'.repeat(81), 'x'.repeat(80)],
    ['علی\u200cرضا', 'علی\u200cرضا'],
    ['नेहा 👨\u200d👩\u200d👧', 'नेहा 👨\u200d👩\u200d👧'],
  ])('stores the nearest valid name for %j', async (given, name) => {
    const user = newUserId()

    await publishSeen([user], given)

    await expect.poll(() => readRow(user)).toMatchObject({ id: user, name })
  })

  it('stores the user name, and uses it as the display name if the token has none', async () => {
    const user = newUserId()

    await publishSeen([user], undefined, 'jane.doe@example.com')
    await expect
      .poll(() => readRow(user))
      .toMatchObject({
        name: 'jane.doe@example.com',
        handle: 'jane.doe@example.com',
      })
  })

  it('withdraws the chosen name of a user if it looks like the name of a new user', async () => {
    const [impostor, other, user] = [newUserId(), newUserId(), newUserId()]
    const name = `Clara ${crypto.randomUUID().slice(0, 13)}`
    await (await app.clientFor(impostor)).call('users.me', { name: `${name} ✓` })
    await (await app.clientFor(other)).call('users.me', { name: `${name} Jones` })

    await publishSeen([user], name)

    await expect.poll(() => readRow(impostor)).toMatchObject({ chosenName: null })
    expect(await readRow(other)).toMatchObject({ chosenName: `${name} Jones` })
    const { users } = await (await app.clientFor(user)).call('users.search', { text: name })
    expect(new Set(users.map(({ userId }) => userId))).toEqual(new Set([user, other]))
  })

  it.each([undefined, '', '   ', '\u200b'])(
    'stores the user id as the name when the token has the unusable name %j',
    async (name) => {
      const user = newUserId()

      await publishSeen([user], name)

      await expect.poll(() => readRow(user)).toMatchObject({ id: user, name: user })
    },
  )

  it("replaces the stored name by the token's, and keeps the name that the user chose", async () => {
    const user = newUserId()
    await db.insert(users).values({ id: user, name: 'Old', chosenName: 'Mine' })

    await publishSeen([user], 'New')

    await expect.poll(() => readRow(user)).toMatchObject({ name: 'New', chosenName: 'Mine' })
  })

  it('keeps the stored name when the token has none, and updates the time of the last login', async () => {
    const user = newUserId()
    const longAgo = new Date('2026-01-31T12:00:00.000Z')
    await db.insert(users).values({ id: user, name: 'Ada', seenAt: longAgo })

    await publishSeen([user])

    await expect.poll(async () => (await readRow(user))?.seenAt).not.toEqual(longAgo)
    expect(await readRow(user)).toMatchObject({ name: 'Ada' })
  })

  it('adds a new user to the room general once, and publishes the join', async () => {
    const user = newUserId()
    const notices = await app.listen(roomNotify, { room: general }, 'alice')
    const isJoin = ({ event }: { event?: unknown }) =>
      (event as { userId?: string } | undefined)?.userId === user

    await publishSeen([user])

    expect((await notices.until(isJoin)).at(-1)).toMatchObject({
      event: { kind: 'member', action: 'join', role: 'member', by: user },
    })
    const client = await app.clientFor(user)
    const { rooms } = await client.call('room.list', {})
    expect(rooms).toMatchObject([{ id: general, name: 'General', kind: 'public', unread: 0 }])
    expect(await client.call('chat.history', { room: general })).toHaveProperty('messages')
    expect((await app.readEvents(general)).filter((event) => isJoin({ event }))).toHaveLength(1)
  })

  it('does not mark the earlier messages of the room general as unread', async () => {
    await app.call('room.join', { room: general }, 'alice')
    const { seq } = await app.send(general, 'Before the new user', 'alice')
    await expect.poll(async () => (await app.waitForRows(general, 1)).at(-1)?.seq).toBe(seq)
    const user = newUserId()

    await publishSeen([user])

    const mine = and(eq(readStates.room, general), eq(readStates.userId, user))
    await expect
      .poll(async () => (await db.select().from(readStates).where(mine))[0]?.seq)
      .toBeGreaterThanOrEqual(seq)
  })

  it('does not add back a user who left the room general and logs in again', async () => {
    const user = newUserId()
    await publishSeen([user])
    await expect.poll(() => isInGeneral(user)).toBe(true)
    await expect.poll(() => readRow(user)).toBeDefined()
    await (await app.clientFor(user)).call('room.leave', { room: general })

    await publishSeen([user], 'Again')

    await expect.poll(() => readRow(user)).toMatchObject({ name: 'Again' })
    expect(await isInGeneral(user)).toBe(false)
  })

  it('does not add a new user who is banned from the room general', async () => {
    const user = newUserId()
    await db.insert(bans).values({ room: general, userId: user, by: 'alice' as UserId })

    await publishSeen([user])

    await expect.poll(() => readRow(user)).toBeDefined()
    expect(await isInGeneral(user)).toBe(false)
    await db.delete(bans).where(eq(bans.userId, user))
  })

  it('stores 3,000 logins in at most ten transactions', async () => {
    const people = newUserIds(3_000)

    await publishSeen([...people, ...people.slice(0, 500)], 'Somebody')

    const isMine = inArray(users.id, people)
    await expect.poll(() => db.$count(users, isMine), { timeout: 18_000 }).toBe(people.length)
    // `xmin` is the id of the transaction that wrote the row, so there are as many transactions as
    // distinct values.
    const [written] = await db
      .select({ statements: sql<number>`count(distinct xmin::text)::int` })
      .from(users)
      .where(isMine)
    expect(written?.statements).toBeLessThanOrEqual(10)
  })
})
