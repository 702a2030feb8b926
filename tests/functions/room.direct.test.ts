import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { directRoomOf } from '#domain/rooms/direct-room'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { deliverInvitation, roomChanged } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'
import { roomHeads } from '#schema/tables/message'
import { members, pendingEvents, rooms } from '#schema/tables/room'
import { users } from '#schema/tables/user'
import { newClientId, newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

async function createUser(): Promise<UserId> {
  const id = newUserId()
  await db.insert(users).values({ id, name: id })
  return id
}

async function open(me: string, other: string) {
  return (await app.clientFor(me)).call('room.direct', { with: other })
}

async function readRoom(user: UserId, room: RoomId) {
  const { rooms } = await (await app.clientFor(user)).call('room.list', {})
  return rooms.find(({ id }) => id === room)
}

async function readHead(room: RoomId) {
  const [head] = await db.select().from(roomHeads).where(eq(roomHeads.room, room))
  return head?.seq
}

const readMembers = (room: RoomId) => db.select().from(members).where(eq(members.room, room))

describe('room.direct', () => {
  it('creates a room with two members', async () => {
    const [me, other] = [await createUser(), await createUser()]

    const { room } = await open(me, other)

    expect(room).toEqual({
      id: expect.stringMatching(/^dm-[0-9a-f]{40}$/),
      name: '',
      kind: 'direct',
    })
    const rows = await readMembers(room.id)
    expect(rows.map(({ userId, role }) => [userId, role]).sort()).toEqual(
      [
        [me, 'member'],
        [other, 'member'],
      ].sort(),
    )
    const index = await app.openBucket(ROOMS_KV)
    expect((await index.get(room.id))?.json()).toEqual({ kind: 'direct', closed: false })
    for (const user of [me, other])
      expect((await index.get(`${room.id}.${user}`))?.json()).toEqual({
        kind: 'direct',
        role: 'member',
      })
  })

  it('returns the same room to both users for repeated calls', async () => {
    const [me, other] = [await createUser(), await createUser()]

    const first = await open(me, other)
    const answers = [await open(me, other), await open(other, me), await open(me, other)]

    for (const answer of answers) expect(answer).toEqual(first)
  })

  it('stores one creation event and one join event per user for repeated calls', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const { room } = await open(me, other)
    await open(other, me)
    await expect.poll(() => readHead(room.id)).toBeDefined()
    await open(me, other)

    const event = { by: me, at: expect.stringMatching(/Z$/) }
    expect(await app.readEvents(room.id)).toEqual([
      { ...event, kind: 'room', action: 'create' },
      { ...event, kind: 'member', action: 'join', userId: other, role: 'member' },
      { ...event, kind: 'member', action: 'join', userId: me, role: 'member' },
    ])
  })

  it('creates one room when both users call concurrently', async () => {
    const [me, other] = [await createUser(), await createUser()]

    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => (at % 2 ? open(me, other) : open(other, me))),
    )

    const id = directRoomOf(me, other)
    for (const answer of answers) expect(answer).toEqual({ room: { id, name: '', kind: 'direct' } })
    expect(await readMembers(id)).toHaveLength(2)
    const events = await app.readEvents(id)
    expect(events.map(({ kind }) => kind)).toEqual(['room', 'member', 'member'])
    expect(new Set(events.flatMap((event) => ('userId' in event ? [event.userId] : [])))).toEqual(
      new Set([me, other]),
    )
  })

  it('publishes events to the two members only, and lets them send messages', async () => {
    await db
      .insert(users)
      .values({ id: 'bob' as UserId, name: 'Bob' })
      .onConflictDoNothing()
    const toAlice = await app.listen(deliverNotify, { user: 'alice' }, 'alice')
    const toBob = await app.listen(deliverNotify, { user: 'bob' }, 'bob')
    const toCharlie = await app.listen(deliverNotify, { user: 'charlie' }, 'charlie')
    const toPublic = await app.listen(roomNotify, {}, 'charlie')

    const { room } = await app.call('room.direct', { with: 'bob' }, 'alice')
    const { seq } = await app.send(room.id, 'hello bob', 'alice')
    await app.send(room.id, 'hello alice', 'bob')
    const other = await app.createRoom(['alice', 'charlie'], 'private')
    await app.send(other, 'for charlie', 'alice')
    const shared = await app.createRoom(['alice'])
    await app.send(shared, 'for all', 'alice')

    for (const mailbox of [toAlice, toBob]) {
      const notices = await mailbox.until((notice) => notice.seq > seq)
      const kinds = notices.filter((notice) => notice.room === room.id).map(({ kind }) => kind)
      expect(kinds).toEqual(['room', 'member', 'member', 'message', 'message'])
    }
    const charliesNotices = await toCharlie.until((notice) => notice.room === other)
    expect(charliesNotices).not.toContainEqual(expect.objectContaining({ room: room.id }))
    const received = await toPublic.until((notice) => notice.room === shared)
    expect(received).not.toContainEqual(expect.objectContaining({ room: room.id }))
    await expect(app.call('chat.history', { room: room.id }, 'charlie')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('publishes the event room.changed for each of the two members', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = directRoomOf(me, other)
    const changes = await app.listen(roomChanged, { room }, 'functions')

    await open(me, other)

    expect(await changes.next()).toEqual({ room, action: 'join', userId: other })
    expect(await changes.next()).toEqual({ room, action: 'join', userId: me })
  })

  it('creates a room with a single member when the caller names themselves', async () => {
    const me = newUserId()

    const { room } = await open(me, me)
    await open(me, me)

    expect(room.id).toBe(directRoomOf(me, me))
    expect(await readMembers(room.id)).toMatchObject([{ userId: me }])
    expect((await app.readEvents(room.id)).map(({ kind }) => kind)).toEqual(['room', 'member'])
  })

  it('derives a different room id for each pair of users', () => {
    const pairs = [
      ['a', 'b-c'],
      ['a-b', 'c'],
      ['ab', 'c'],
      ['a', 'bc'],
      ['a', 'a'],
      ['aa', 'a'],
    ] as [UserId, UserId][]

    const ids = pairs.map(([first, other]) => directRoomOf(first, other))

    expect(new Set(ids).size).toBe(pairs.length)
    expect(pairs.map(([first, other]) => directRoomOf(other, first))).toEqual(ids)
  })

  it('makes room.list return the room to both members, with the id of the other member', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const { room } = await open(me, other)
    const readList = async (user: UserId) =>
      (await (await app.clientFor(user)).call('room.list', {})).rooms

    expect(await readList(me)).toMatchObject([{ id: room.id, kind: 'direct', with: other }])
    expect(await readList(other)).toMatchObject([{ id: room.id, kind: 'direct', with: me }])
  })

  it('creates a message request for a user who shares no room with the caller', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const direct = await createUser()
    for (const user of [me, other]) await open(user, direct)

    const { room } = await open(me, other)

    expect(await readRoom(other, room.id)).toMatchObject({ isRequest: true })
    expect(await readRoom(me, room.id)).not.toHaveProperty('isRequest')
    const client = await app.clientFor(me)
    const message = { room: room.id, clientId: newClientId(), text: 'hello' }
    await expect(client.call('send', message)).resolves.toBeDefined()
  })

  it.each(['public', 'private'] as const)(
    'creates no message request for a user who shares a %s room with the caller',
    async (kind) => {
      const [me, other] = [await createUser(), await createUser()]
      await app.createRoom([me, other], kind)

      const { room } = await open(me, other)

      expect(await readRoom(other, room.id)).not.toHaveProperty('isRequest')
    },
  )

  it.each([
    [
      'room.join',
      (user: UserId, room: RoomId) =>
        app.clientFor(user).then((client) => client.call('room.join', { room })),
    ],
    ['room.direct', (user: UserId, _room: RoomId, other: UserId) => open(user, other)],
  ])('ends a message request when the other user calls %s', async (_name, accept) => {
    const me = await createUser()
    await app.createUsers('bob')
    const bob = 'bob' as UserId
    const { room } = await open(me, bob)
    const toBob = await app.listen(deliverInvitation, { user: bob, room: room.id }, 'bob')

    await accept(bob, room.id, me)

    expect(await readRoom(bob, room.id)).not.toHaveProperty('isRequest')
    expect(await toBob.next()).toEqual({ user: bob, room: room.id })
    await open(me, bob)
    expect(await readRoom(bob, room.id)).not.toHaveProperty('isRequest')
  })

  it('publishes the pending events of an earlier, interrupted call', async () => {
    const [me, other] = [await createUser(), await createUser()]
    // A process that crashes before it publishes the pending events leaves these rows.
    const id = directRoomOf(me, other)
    const [role, at] = ['member', new Date().toISOString()] as const
    await db.insert(rooms).values({ id, name: '', kind: 'direct' })
    const membershipRows = [me, other].map((userId) => ({ room: id, userId, role }))
    await db.insert(members).values(membershipRows)
    await db.insert(pendingEvents).values([
      { room: id, event: { kind: 'room', action: 'create', room: id, by: me, at } },
      ...membershipRows.map((membership) => ({
        room: id,
        event: { kind: 'member', action: 'join', ...membership, by: me, at } as const,
      })),
    ])

    await open(other, me)

    expect(await readMembers(id)).toHaveLength(2)
    expect((await app.readEvents(id)).map(({ kind }) => kind)).toEqual(['room', 'member', 'member'])
    const index = await app.openBucket(ROOMS_KV)
    expect((await index.get(`${id}.${me}`))?.json()).toEqual({ kind: 'direct', role: 'member' })
  })

  it('restores missing entries of the member index when a member repeats the call', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const { room } = await open(me, other)
    await expect.poll(() => readHead(room.id)).toBeDefined()
    const index = await app.openBucket(ROOMS_KV)
    await index.delete(`${room.id}.${other}`)

    await open(other, me)

    expect((await index.get(`${room.id}.${other}`))?.json()).toMatchObject({ kind: 'direct' })
    expect(await app.readEvents(room.id)).toHaveLength(3)
  })

  it('adds back a member who left, and stores one join event for repeated calls', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const { room } = await open(me, other)
    await expect.poll(() => readHead(room.id)).toBeDefined()
    await app.removeMember(room.id, other)

    await open(me, other)
    await open(me, other)

    const membership = and(eq(members.room, room.id), eq(members.userId, other))
    expect(await db.select().from(members).where(membership)).toHaveLength(1)
    const [last, ...earlier] = (await app.readEvents(room.id)).reverse()
    expect(last).toMatchObject({ kind: 'member', action: 'join', userId: other, by: me })
    expect(earlier).toHaveLength(3)
  })

  it('rejects an unknown user as forbidden, and creates no room', async () => {
    const [me, unknownUser] = [await createUser(), newUserId()]

    await expect(open(me, unknownUser)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await readMembers(directRoomOf(me, unknownUser))).toEqual([])
  })

  it('rejects a call for an archived room as forbidden, and does not restore it', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const id = directRoomOf(me, other)
    await db.insert(rooms).values({ id, name: '', kind: 'direct', archivedAt: new Date() })

    await expect(open(me, other)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await (await app.openBucket(ROOMS_KV)).get(id)).toBeNull()
  })

  it('rejects a call if a room of another kind has the id of the direct room, and adds no member', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const id = directRoomOf(me, other)
    await db.insert(rooms).values({ id, name: 'A trap', kind: 'public' })

    await expect(open(me, other)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await readMembers(id)).toEqual([])
  })

  it('rejects as forbidden a call by a user whose token has no role', async () => {
    await expect(app.call('room.direct', { with: 'alice' }, 'charlie')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const payload = JSON.stringify({ with: 'charlie' })

    await expect(app.request('as.bob.room.direct', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['', 'Bob', 'a.b', '*', 'x'.repeat(65), 'a\0b'])(
    'rejects the user id %j as invalid',
    async (other) => {
      const payload = JSON.stringify({ with: other })

      const answer = await app.request('as.alice.room.direct', payload, 'alice')

      expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
    },
  )

  it.each(badPayloads({ with: 'bob' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.room.direct', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
