import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { roomNotify } from '#schema/messages/event'
import { roomChanged } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'
import { bans, members } from '#schema/tables/room'
import { expectSameRejection, newRoomId, newUserIds, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

async function readListed(room: RoomId) {
  const { rooms } = await app.call('room.list', {}, 'alice')
  return rooms.find(({ id }) => id === room)
}

describe('room.join', () => {
  it('returns the room', async () => {
    const room = await app.createRoom([])

    const answer = await app.call('room.join', { room }, 'alice')

    expect(answer).toEqual({ room: { id: room, name: 'A room', kind: 'public' } })
  })

  it('adds a user whose token has no role', async () => {
    const room = await app.createRoom([])

    await expect(app.call('room.join', { room }, 'charlie')).resolves.toMatchObject({
      room: { id: room, kind: 'public' },
    })
  })

  it('stores one membership for repeated calls', async () => {
    const room = await app.createRoom([])

    await app.call('room.join', { room }, 'alice')
    await app.call('room.join', { room }, 'alice')

    const membership = and(eq(members.room, room), eq(members.userId, 'alice' as UserId))
    expect(await db.select().from(members).where(membership)).toHaveLength(1)
  })

  it('publishes the event room.changed once when a user calls room.join twice', async () => {
    const room = await app.createRoom([])
    const changes = await app.listen(roomChanged, { room }, 'functions')

    await app.call('room.join', { room }, 'alice')
    await app.call('room.join', { room }, 'alice')
    await app.call('room.join', { room }, 'bob')

    expect(await changes.next()).toEqual({ room, action: 'join', userId: 'alice' })
    expect(await changes.next()).toEqual({ room, action: 'join', userId: 'bob' })
  })

  it('publishes the join to the room', async () => {
    const room = await app.createRoom(['bob'])
    const notices = await app.listen(roomNotify, { room }, 'bob')

    await app.call('room.join', { room }, 'alice')

    expect(await notices.next()).toMatchObject({
      room,
      kind: 'member',
      prev: 0,
      event: { action: 'join', userId: 'alice', role: 'member', by: 'alice' },
    })
  })

  it('stores one join event for repeated calls', async () => {
    const room = await app.createRoom(['bob'])

    await app.call('room.join', { room }, 'alice')
    await app.call('room.join', { room }, 'alice')
    await app.call('room.join', { room }, 'bob')

    const at = expect.stringMatching(/Z$/)
    const joined = { kind: 'member', action: 'join', userId: 'alice', by: 'alice', at }
    expect(await app.readEvents(room)).toEqual([{ ...joined, role: 'member' }])
  })

  it('sets the read position of a new member to the last message', async () => {
    const room = await app.createRoom(['bob'])
    for (const text of ['1', '2', 'and @alice']) await app.send(room, text, 'bob')
    const { seq: head } = (await app.waitForRows(room, 3)).at(-1) ?? { seq: 0 }

    await app.call('room.join', { room }, 'alice')
    const before = await readListed(room)
    const { seq } = await app.send(room, '4', 'bob')
    await app.waitForRows(room, 4)

    expect(before).toMatchObject({ readSeq: head, unread: 0, mentions: 0 })
    expect(await readListed(room)).toMatchObject({ readSeq: head, unread: 1 })
    const read = await app.call('read.update', { room, seq: 1, unread: true }, 'alice')
    expect(read).toMatchObject({ seq: 1, unread: 4, mentions: 0 })
    expect(seq).toBeGreaterThan(head)
  })

  it('keeps the read position of a returning member', async () => {
    const room = await app.createRoom(['bob'])
    await app.call('room.join', { room }, 'alice')
    const { seq } = await app.send(room, 'read', 'bob')
    await app.call('read.update', { room, seq }, 'alice')
    await app.call('room.leave', { room }, 'alice')
    await app.send(room, 'meanwhile', 'bob')
    await app.waitForRows(room, 2)

    await app.call('room.join', { room }, 'alice')
    await app.call('room.join', { room }, 'alice')

    expect(await readListed(room)).toMatchObject({ readSeq: seq, unread: 1 })
  })

  it('stores one membership for ten concurrent calls', async () => {
    const room = await app.createRoom([])

    await Promise.all(Array.from({ length: 10 }, () => app.call('room.join', { room }, 'bob')))

    const answer = await app.call('room.members', { room }, 'functions')
    expect(answer).toEqual({ members: ['bob'] })
  })

  it('adds all users who call at the same time, stores one event for each, and rejects only a banned user', async () => {
    const room = await app.createRoom(['alice'])
    const [banned, ...users] = newUserIds(60) as [UserId, ...UserId[]]
    await db.insert(bans).values({ room, userId: banned, by: 'alice' as UserId })
    const join = async (user: UserId) => (await app.clientFor(user)).call('room.join', { room })

    const outcomes = await Promise.allSettled([banned, ...users, ...users].map(join))

    const rejected = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason.code] : [],
    )
    expect(rejected).toEqual(['forbidden'])
    const answer = await app.call('room.members', { room }, 'functions')
    expect(answer.members.toSorted()).toEqual(['alice', ...users].toSorted())
    const synced = await app.call('chat.sync', { room, since: 0 }, 'alice')
    const events = synced.recovered ? synced.events : []
    const joined = events.flatMap(({ event }) => (event.kind === 'member' ? [event.userId] : []))
    expect(joined.toSorted()).toEqual(users.toSorted())
  })

  it('stores no membership if it is rejected as forbidden while the room is being archived', async () => {
    for (let round = 0; round < 15; round++) {
      const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })
      const users = newUserIds(10)
      const clients = await Promise.all(users.map((user) => app.clientFor(user)))
      const joining = clients.map((client) => client.try('room.join', { room }))
      const archiving = app.call('room.archive', { room }, 'alice')
      const answers = await Promise.all(joining)
      await archiving

      const rows = await db.select().from(members).where(eq(members.room, room))
      const stored = rows.map(({ userId }) => userId)
      const forbidden = users.filter((_, index) => {
        const answer = answers[index]
        return !answer?.ok && answer?.error.code === 'forbidden'
      })
      expect(stored.filter((user) => forbidden.includes(user))).toEqual([])
    }
  })

  it('restores the missing entry of a member in the member index when the member calls', async () => {
    const room = await app.createRoom(['alice'])
    const index = await app.openBucket(ROOMS_KV)
    await index.delete(`${room}.alice`)

    await app.call('room.join', { room }, 'alice')

    expect((await index.get(`${room}.alice`))?.json()).toEqual({ kind: 'public', role: 'member' })
  })

  it('returns a private room to its member', async () => {
    const room = await app.createRoom(['alice'], 'private')

    const answer = await app.call('room.join', { room }, 'alice')

    expect(answer.room.kind).toBe('private')
  })

  it('rejects a call by a non-member of a private room with the same error as for an unknown room', async () => {
    const secret = await app.createRoom(['alice'], 'private')
    const absent = newRoomId()

    await expectSameRejection((id) => app.call('room.join', { room: id }, 'bob'), {
      hidden: secret,
      absent,
    })
  })

  it.each(['Upper', 'A_B'])('rejects %s, which is not a room id', async (room) => {
    await expect(app.call('room.join', { room }, 'alice')).rejects.toMatchObject({
      code: 'invalid',
    })
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const room = await app.createRoom([])

    await expect(app.request(`as.bob.room.join.${room}`, '{}', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom([])

    const { status } = await app.request(`as.alice.room.join.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: [] })
  })
})
