import { describe, expect, it } from 'vitest'
import { countUnread } from '#domain/messages/unread-count'
import { db } from '#schema/db'
import type { ClientId, RoomId, UserId } from '#schema/ids'
import { deliverRead } from '#schema/messages/room'
import { mentions, messages, roomHeads } from '#schema/tables/message'
import {
  expectSameRejection,
  newMessageId,
  newRoomId,
  newUserId,
  nextRejection,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

/** Creates a user in a room with ten messages by bob. Every second message mentions the user. */
async function createReader(): Promise<{ me: UserId; room: RoomId }> {
  const me = newUserId()
  const room = await app.createRoom([me])
  const rows = Array.from({ length: 10 }, (_, index) => ({
    id: newMessageId(),
    room,
    seq: index + 1,
    sender: 'bob' as UserId,
    clientId: crypto.randomUUID() as ClientId,
    text: 'said',
    mentions: index % 2 === 1 ? [me] : [],
    at: new Date(),
  }))
  await db.insert(messages).values(rows)
  const mentioning = rows.filter((row) => row.mentions.length > 0)
  await db.insert(mentions).values(
    mentioning.map(({ id, seq, sender }) => ({
      ...{ messageId: id, userId: me, room, threadId: '' as const, seq, sender, version: 0 },
    })),
  )
  await db.insert(roomHeads).values({ room, seq: 10 })
  return { me, room }
}

async function read(me: string, room: RoomId, seq: number, unread = false) {
  return (await app.clientFor(me)).call('read.update', { room, seq, unread })
}

async function readListed(me: string, room: RoomId) {
  const { rooms } = await (await app.clientFor(me)).call('room.list', {})
  return rooms.find(({ id }) => id === room)
}

describe('read.update', () => {
  it('returns the read position, and the numbers of unread messages and mentions', async () => {
    const { me, room } = await createReader()

    expect(await read(me, room, 7)).toEqual({ seq: 7, unread: 3, mentions: 2, asOf: 10 })
    expect(await readListed(me, room)).toMatchObject({ readSeq: 7, unread: 3, mentions: 2 })
    expect(await read(me, room, 10)).toEqual({ seq: 10, unread: 0, mentions: 0, asOf: 10 })
    expect(await readListed(me, room)).toMatchObject({ readSeq: 10, unread: 0, mentions: 0 })
  })

  it('moves the read position backwards only if `unread` is true', async () => {
    const { me, room } = await createReader()
    await read(me, room, 8)

    expect(await read(me, room, 3)).toEqual({ seq: 8, unread: 2, mentions: 1, asOf: 10 })
    expect(await read(me, room, 3, true)).toEqual({ seq: 3, unread: 7, mentions: 4, asOf: 10 })
    expect(await read(me, room, 0, true)).toEqual({ seq: 0, unread: 10, mentions: 5, asOf: 10 })
  })

  it('keeps the furthest read position of concurrent calls', async () => {
    const { me, room } = await createReader()

    await Promise.all([3, 9, 1, 6, 9, 2].map((seq) => read(me, room, seq)))

    expect(await readListed(me, room)).toMatchObject({ readSeq: 9 })
  })

  it('moves the read position no further than the newest message of the room', async () => {
    const { me, room } = await createReader()
    const empty = await app.createRoom([me])

    expect(await read(me, room, Number.MAX_SAFE_INTEGER)).toMatchObject({ seq: 10, unread: 0 })
    expect(await read(me, room, 11)).toMatchObject({ seq: 10 })
    expect(await read(me, empty, 11)).toEqual({ seq: 0, unread: 0, mentions: 0, asOf: 0 })
    expect(await read(me, empty, 11, true)).toMatchObject({ seq: 0 })
  })

  it('ignores the sequence number of a message in another room', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const other = await app.createRoom(['alice'])
    const { seq } = await app.send(other, 'elsewhere', 'alice')

    const answer = await app.call('read.update', { room, seq }, 'bob')

    expect(answer).toMatchObject({ seq: 0, unread: 0, mentions: 0 })
  })

  it('accepts the sequence number of a message that is not yet persisted', async () => {
    const room = await app.createRoom(['alice', 'bob'])

    for (const text of ['1', '2', '3', '4', '5']) {
      const { seq } = await app.send(room, text, 'alice')
      const answer = await app.call('read.update', { room, seq }, 'bob')
      expect(answer).toMatchObject({ seq, unread: 0, mentions: 0 })
    }
  })

  it('counts messages and mentions by other users after the read position', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const { seq } = await app.send(room, 'read', 'alice')
    await app.send(room, 'and @bob', 'alice')
    await app.send(room, 'my own', 'bob')
    const last = await app.send(room, 'and more', 'alice')
    await app.waitForRows(room, 4)

    const answer = await app.call('read.update', { room, seq }, 'bob')

    expect(answer).toEqual({ seq, unread: 2, mentions: 1, asOf: last.seq })
  })

  it('counts unread messages and mentions after any given sequence number', async () => {
    const { me, room } = await createReader()

    const counts = await Promise.all([0, 1, 5, 9, 10, 11].map((seq) => countUnread(room, seq, me)))

    expect(counts.map(({ unread, mentions }) => [unread, mentions])).toEqual([
      [10, 5],
      [9, 5],
      [5, 3],
      [1, 1],
      [0, 0],
      [0, 0],
    ])
  })

  it('publishes the read position to the caller only', async () => {
    const { me, room } = await createReader()
    await app.addMember(room, 'bob', 'public')
    const positions = await app.listen(deliverRead, { room }, 'functions')

    await read(me, room, 7)
    await read(me, room, 4, true)

    expect(await positions.next()).toEqual({
      user: me,
      room,
      seq: 7,
      unread: 3,
      mentions: 2,
      asOf: 10,
      back: false,
      threads: false,
    })
    expect(await positions.next()).toMatchObject({ user: me, seq: 4, unread: 6, back: true })
  })

  it('publishes the read position to other devices of the caller', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const { seq } = await app.send(room, 'read me', 'alice')
    const toBob = await app.listen(deliverRead, { user: 'bob', room }, 'bob')

    await app.call('read.update', { room, seq }, 'bob')

    expect(await toBob.next()).toMatchObject({ user: 'bob', room, seq })
  })

  it('publishes nothing when the read position does not change', async () => {
    const { me, room } = await createReader()
    await read(me, room, 7)
    const positions = await app.listen(deliverRead, { user: me, room }, 'functions')

    await read(me, room, 7)
    await read(me, room, 2)
    await read(me, room, 7, true)
    await read(me, room, 8)

    expect(await positions.next()).toMatchObject({ seq: 8 })
  })

  it('keeps the read position of a member who leaves and joins again', async () => {
    const { me, room } = await createReader()
    await read(me, room, 6)
    await app.removeMember(room, me)
    await app.addMember(room, me, 'public')

    expect(await readListed(me, room)).toMatchObject({ readSeq: 6, unread: 4 })
  })

  it('rejects a call by a non-member with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'])
    const absent = newRoomId()

    await expectSameRejection((id) => read('bob', id, 1), { hidden: room, absent })
  })

  it('rejects a removed member within one second, even if no event announced the removal', async () => {
    const { me, room } = await createReader()
    await read(me, room, 1)
    await app.removeMember(room, me)

    expect(await nextRejection(() => read(me, room, 2))).toBe('forbidden')
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const room = await app.createRoom(['alice', 'bob'])

    await expect(
      app.request(`as.bob.read.update.${room}`, '{"seq":1}', 'alice'),
    ).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each([-1, 1.5, 2 ** 53, '1', null])('rejects the sequence %j as invalid', async (seq) => {
    const room = await app.createRoom(['alice'])

    const answer = await app.request(
      `as.alice.read.update.${room}`,
      JSON.stringify({ seq }),
      'alice',
    )

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each(badPayloads({ seq: 1 }))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'])

    const { status } = await app.request(`as.alice.read.update.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
