import { eq, sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { directRoomOf } from '#domain/rooms/direct-room'
import { roomsOfUser } from '#domain/rooms/room-list'
import { db } from '#schema/db'
import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import { mentions as mentionRows, messages, roomHeads, threadStates } from '#schema/tables/message'
import { members, readStates, rooms } from '#schema/tables/room'
import { newMessageId, newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

async function readList(user: UserId) {
  const client = await app.clientFor(user)
  const { rooms } = await client.call('room.list', {})
  return rooms.sort((a, b) => (a.id < b.id ? -1 : 1))
}

async function addMembership(user: UserId, room: RoomId) {
  await db.insert(members).values({ room, userId: user })
}

async function insertMessages(room: RoomId, entries: Partial<typeof messages.$inferInsert>[]) {
  const rows = entries.map((row, index) => ({
    id: newMessageId(),
    room,
    seq: index + 1,
    sender: 'bob' as UserId,
    clientId: crypto.randomUUID() as ClientId,
    text: 'said',
    at: new Date(),
    ...row,
  }))
  await db.insert(messages).values(rows)
  await insertMentions(rows)
  await db.insert(roomHeads).values({ room, seq: entries.length })
}

/**
 * Inserts the rows of the tables mentions and thread_states that `persist` would write for the
 * messages in `rows`.
 */
async function insertMentions(rows: (typeof messages.$inferInsert)[]) {
  const mentioned = rows.flatMap(
    ({ id, room, seq, sender, threadId = '', mentions = [], deletedAt }) =>
      mentions
        .filter((userId) => userId !== sender && !deletedAt)
        .map((userId) => ({ messageId: id, userId, room, threadId, seq, sender, version: 0 })),
  )
  if (mentioned.length > 0) await db.insert(mentionRows).values(mentioned)
  for (const { userId, room, threadId, seq } of mentioned) {
    if (threadId === '') continue
    const state = { userId, room, threadId, followed: true, readSeq: seq - 1, lastSeq: seq }
    await db.insert(threadStates).values(state).onConflictDoNothing()
  }
}

describe('room.list', () => {
  it('returns only the rooms of the caller, each with the role of the caller', async () => {
    const me = newUserId()
    const mine = await app.createRoom(['alice'], 'private')
    await app.createRoom(['alice'])
    await db.insert(members).values({ room: mine, userId: me, role: 'moderator' })

    expect(await readList(me)).toEqual([
      {
        id: mine,
        name: 'A room',
        kind: 'private',
        role: 'moderator',
        lastSeq: 0,
        readSeq: 0,
        unread: 0,
        mentions: 0,
      },
    ])
  })

  it('returns no rooms to a user without memberships', async () => {
    expect(await readList(newUserId())).toEqual([])
  })

  it('counts unread messages by other users, and unread mentions of the caller, in the room and in its threads', async () => {
    const me = newUserId()
    const room = await app.createRoom([])
    await addMembership(me, room)
    await insertMessages(room, [
      { mentions: [me] },
      {},
      { sender: me, mentions: [me] },
      { mentions: ['alice' as UserId, me] },
      { threadId: '0'.repeat(32) as MessageId, mentions: [me] },
      { threadId: '0'.repeat(32) as MessageId, mentions: ['alice' as UserId] },
      { threadId: '1'.repeat(32) as MessageId, mentions: [me], sender: me },
      { threadId: '1'.repeat(32) as MessageId, mentions: [me], deletedAt: new Date() },
      { deletedAt: new Date(), text: '' },
      { mentions: [`${me}x` as UserId] },
    ])

    const [unread] = await readList(me)
    await db.insert(readStates).values({ room, userId: me, seq: 2 })
    const [some] = await readList(me)
    await db.update(readStates).set({ seq: 10 }).where(eq(readStates.userId, me))
    const [read] = await readList(me)

    expect(unread).toMatchObject({ lastSeq: 10, readSeq: 0, unread: 6, mentions: 3 })
    expect(some).toMatchObject({ lastSeq: 10, readSeq: 2, unread: 4, mentions: 2 })
    expect(read).toMatchObject({ lastSeq: 10, readSeq: 10, unread: 2, mentions: 1 })
    await db.update(threadStates).set({ readSeq: 6 }).where(eq(threadStates.userId, me))
    expect(await readList(me)).toMatchObject([{ readSeq: 10, unread: 0, mentions: 0 }])
  })

  it.each([
    [99, 99],
    [100, 100],
    [150, 100],
  ])('stops counting at 100: counts %i unread messages as %i', async (entries, expected) => {
    const me = newUserId()
    const room = await app.createRoom([])
    await addMembership(me, room)
    await insertMessages(
      room,
      Array.from({ length: entries }, () => ({ mentions: [me] })),
    )

    expect(await readList(me)).toMatchObject([{ unread: expected, mentions: expected }])
  })

  it('does not count messages of the caller as unread', async () => {
    const me = newUserId()
    const room = await app.createRoom([])
    await addMembership(me, room)
    await insertMessages(room, [
      ...Array.from({ length: 300 }, () => ({ sender: me })),
      {},
      ...Array.from({ length: 300 }, () => ({ sender: me })),
    ])

    expect(await readList(me)).toMatchObject([{ unread: 1, mentions: 0 }])
  })

  it('counts a mention that is older than a hundred unread messages', async () => {
    const me = newUserId()
    const room = await app.createRoom([])
    await addMembership(me, room)
    const thread = { threadId: '0'.repeat(32) as MessageId, mentions: [me] }
    await insertMessages(room, [
      thread,
      { mentions: [me] },
      ...Array.from({ length: 150 }, () => ({})),
    ])

    expect(await readList(me)).toMatchObject([{ unread: 100, mentions: 2 }])
  })

  it('counts a mention that is older than 300 messages that mention other users', async () => {
    const [me, other] = [newUserId(), newUserId()]
    const room = await app.createRoom([])
    await addMembership(me, room)
    await insertMessages(room, [
      { mentions: [me] },
      ...Array.from({ length: 300 }, () => ({ mentions: [other] })),
    ])

    expect(await readList(me)).toMatchObject([{ mentions: 1 }])
  })

  it('counts a mention of @all once for each member except the sender', async () => {
    const [me, other] = [newUserId(), newUserId()]
    const room = await app.createRoom([])
    await addMembership(me, room)
    await addMembership(other, room)
    const all = 'all' as UserId
    await insertMessages(room, [
      { mentions: [all], sender: other },
      { mentions: [all, me], sender: other },
      { mentions: [all], sender: me },
    ])

    expect(await readList(me)).toMatchObject([{ unread: 2, mentions: 2 }])
    expect(await readList(other)).toMatchObject([{ unread: 1, mentions: 1 }])
  })

  it('counts unread replies only in threads that the caller follows', async () => {
    const me = newUserId()
    const room = await app.createRoom([])
    await addMembership(me, room)
    const [followed, other] = [newMessageId(), newMessageId()]
    const state = { room, userId: me, readSeq: 1, lastSeq: 5 }
    await db.insert(threadStates).values([
      { ...state, threadId: followed, followed: true },
      { ...state, threadId: other, followed: false },
    ])
    await insertMessages(room, [
      { threadId: followed },
      { threadId: followed },
      { threadId: followed, sender: me },
      { threadId: followed, deletedAt: new Date() },
      { threadId: followed },
      { threadId: other },
    ])

    expect(await readList(me)).toMatchObject([{ unread: 2, mentions: 0 }])
  })

  it('counts unread messages and mentions separately for each room and each caller', async () => {
    const [me, other] = [newUserId(), newUserId()]
    const [first, second] = [await app.createRoom([]), await app.createRoom([])]
    for (const room of [first, second]) {
      await addMembership(me, room)
      await addMembership(other, room)
    }
    await insertMessages(first, [{}, {}, {}])
    await insertMessages(second, [{}, { mentions: [other] }])
    await db.insert(readStates).values({ room: first, userId: me, seq: 2 })

    const readCounts = async (user: UserId) =>
      Object.fromEntries(
        (await readList(user)).map((room) => [room.id, [room.unread, room.mentions]]),
      )

    expect(await readCounts(me)).toEqual({ [first]: [1, 0], [second]: [2, 0] })
    expect(await readCounts(other)).toEqual({ [first]: [3, 0], [second]: [2, 1] })
  })

  it('returns the other member of a direct room', async () => {
    const [me, other] = [newUserId(), newUserId()]
    const room = directRoomOf(me, other)
    const selfRoom = directRoomOf(me, me)
    for (const id of [room, selfRoom])
      await db.insert(rooms).values({ id, name: '', kind: 'direct' })
    for (const userId of [me, other]) await addMembership(userId, room)
    await addMembership(me, selfRoom)

    const list = await readList(me)

    expect(list).toHaveLength(2)
    expect(list).toContainEqual(expect.objectContaining({ id: room, kind: 'direct', with: other }))
    expect(list).toContainEqual(expect.objectContaining({ id: selfRoom, kind: 'direct', with: me }))
    expect(await readList(other)).toMatchObject([{ id: room, with: me }])
  })

  it('omits archived rooms and rooms that the caller has left', async () => {
    const me = newUserId()
    const room = await app.createRoom([])
    await addMembership(me, room)
    expect(await readList(me)).toHaveLength(1)

    await db.update(rooms).set({ archivedAt: new Date() }).where(eq(rooms.id, room))
    expect(await readList(me)).toEqual([])
    await db.update(rooms).set({ archivedAt: null }).where(eq(rooms.id, room))
    expect(await readList(me)).toHaveLength(1)
    await db.delete(members).where(eq(members.userId, me))
    expect(await readList(me)).toEqual([])
  })

  it('returns at most 1,000 rooms, those with the latest messages', async () => {
    const me = newUserId()
    const name = '𝕫'.repeat(40)
    const ids = Array.from({ length: 1_005 }, () => `r${crypto.randomUUID()}${'x'.repeat(27)}`)
    await db
      .insert(rooms)
      .values(ids.map((id) => ({ id: id as RoomId, name, kind: 'private' as const })))
    await db.insert(members).values(ids.map((id) => ({ room: id as RoomId, userId: me })))
    await db.insert(roomHeads).values(ids.map((id, index) => ({ room: id as RoomId, seq: index })))

    const list = await readList(me)

    expect(list.map(({ id }) => id)).toEqual(ids.slice(5).sort())
  })

  it('reads messages with index scans only, and at most 100 rows in each step of the query plan', async () => {
    const me = newUserId()
    const busy = await app.createRoom([])
    await addMembership(me, busy)
    await db.execute(sql`
      insert into messages (id, room, seq, sender, client_id, text, at)
      select md5(${busy} || n), ${busy}, n, 'bob', ${busy} || n, 'said', now()
      from generate_series(1, 20000) n`)
    await db.execute(sql`
      insert into messages (id, room, thread_id, seq, sender, client_id, text, at, mentions)
      select md5('t' || ${busy} || n), ${busy}, md5('' || n % 100), 20000 + n, 'bob',
        't' || ${busy} || n, 'said', now(), '{carol}'
      from generate_series(1, 20000) n`)
    await db.execute(sql`
      insert into mentions (message_id, user_id, room, thread_id, seq, sender, version)
      select id, 'carol', room, thread_id, seq, sender, 0 from messages where room = ${busy}`)
    await db.execute(
      sql`analyze messages, mentions, thread_states, members, rooms, read_states, room_heads`,
    )

    const rows = await db.execute(sql`explain (analyze, costs off) ${roomsOfUser(me).getSQL()}`)

    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain('Index Only Scan Backward using messages_room_thread_seq on messages')
    expect(plan).toMatch(/Index (Only )?Scan .*using mentions_user on mentions/)
    expect(plan).not.toContain('Seq Scan on mentions')
    expect(plan).not.toContain('Seq Scan on messages')
    const read = [...plan.matchAll(/rows=(\d+)/g)].map(([, rows]) => Number(rows))
    expect(Math.max(...read)).toBe(100)
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    await expect(app.request('as.bob.room.list', '{}', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.room.list', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
