import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { DataOf } from '#runtime'
import { closeDb } from '#schema/db'
import { type RoomId, toNotifyId } from '#schema/ids'
import { deliverNotify, type Notice, roomNotify } from '#schema/messages/event'
import { type App, createApp, type Mailbox, newClientId, type TestPerson } from '../support/app.ts'
import { expectChain } from '../support/notices.ts'
import { type Servers, startServers } from '../support/servers.ts'

// These tests kill runtimes, so they need servers of their own.
let servers: Servers
let app: App

beforeAll(async () => {
  servers = await startServers(inject('servers').database)
  process.env.DATABASE_URL = servers.urls.databaseUrl
})
beforeEach(async () => {
  app = createApp(servers.urls)
  await app.createUsers('charlie')
  return () => app[Symbol.asyncDispose]()
})
afterAll(async () => {
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})

describe('fanout', () => {
  it('publishes each event of a room once, with the sequence number of the event before it', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    const mailbox = await listenToRoom(room, 'charlie')

    const first = await app.send(room, 'first', 'alice')
    const notifyId = toNotifyId(first)
    await app.call('msg.edit', { notifyId, text: 'edited' }, 'alice')
    await app.call('msg.react', { notifyId, emoji: '👍' }, 'bob')
    await app.call('room.rename', { room, name: 'Renamed' }, 'alice')
    await app.call('room.join', { room }, 'charlie')
    await app.call('room.role', { room, userId: 'bob', role: 'moderator' }, 'alice')
    await app.call('msg.delete', { notifyId }, 'alice')
    await app.call('room.leave', { room }, 'charlie')
    const last = await app.send(room, 'last', 'alice')

    const received = await mailbox.until(({ seq }) => seq === last.seq)
    const kinds = received.map(({ kind, event }) =>
      event && 'action' in event ? event.action : kind,
    )
    expect(kinds).toEqual([
      'message',
      'edit',
      'react',
      'rename',
      'join',
      'role',
      'delete',
      'leave',
      'message',
    ])
    expect(received[0]?.prev).toBe(0)
    expectChain(received)
  })

  it('publishes events of a direct room to its two members only', async () => {
    await app.connectAs('bob')
    // Bob's login is written to the table users with a delay. Until then, bob is an unknown user,
    // and room.direct is rejected.
    const { room } = await vi.waitFor(
      () => app.call('room.direct', { with: 'bob' }, 'alice'),
      5_000,
    )
    const toAlice = await app.listen(deliverNotify, { user: 'alice', room: room.id }, 'alice')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room: room.id }, 'bob')
    const toCharlie = await app.listen(deliverNotify, { user: 'charlie' }, 'charlie')
    const multicast = await app.listen(roomNotify, {}, 'charlie')
    const other = await app.createRoom(['alice', 'charlie'], 'private')
    const open = await app.createRoom(['alice'])

    const { seq } = await app.send(room.id, 'psst', 'alice')
    await app.send(other, 'for charlie', 'alice')
    await app.send(open, 'for all', 'alice')

    for (const mailbox of [toAlice, toBob]) {
      const [notice] = (await mailbox.until((notice) => notice.seq === seq)).slice(-1)
      expect(notice).toMatchObject({ kind: 'message', event: { text: 'psst', sender: 'alice' } })
    }
    expect(await toCharlie.next()).toMatchObject({ room: other })
    expect(await multicast.next()).toMatchObject({ room: open })
  })

  it('publishes a join in a public room even to the new member, who has not yet subscribed to this room', async () => {
    const room = await app.createRoom(['alice'])
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await app.call('room.join', { room }, 'bob')
    const { seq } = await app.send(room, 'for those who listen', 'alice')
    await app.call('room.leave', { room }, 'bob')
    await app.call('room.join', { room }, 'bob')

    const joined = { event: { kind: 'member', action: 'join', userId: 'bob' } }
    expect(await toBob.next()).toMatchObject(joined)
    const again = await toBob.next()
    expect(again).toMatchObject(joined)
    expect(again.seq).toBeGreaterThan(seq)
  })

  it('publishes an event separately to each member of a public room, instead of once to all, while a user is banned', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'public', { alice: 'owner' })
    const multicast = await app.listen(roomNotify, {}, 'charlie')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const toCharlie = await app.listen(deliverNotify, { user: 'charlie', room }, 'charlie')
    const first = await app.send(room, 'for all', 'alice')

    await app.call('room.kick', { room, userId: 'charlie' }, 'alice')
    const second = await app.send(room, 'without charlie', 'alice')
    await app.call('room.unban', { room, userId: 'charlie' }, 'alice')
    await app.call('room.join', { room }, 'charlie')
    const third = await app.send(room, 'with charlie', 'alice')

    const multicastNotices = await multicast.until(({ seq }) => seq === third.seq)
    const bobsNotices = await toBob.until(({ seq }) => seq === second.seq)
    expect(multicastNotices.map(({ seq }) => seq)).toContain(first.seq)
    expect(multicastNotices.map(({ seq }) => seq)).not.toContain(second.seq)
    expect(await toCharlie.next()).toMatchObject({ event: { action: 'kick', userId: 'charlie' } })
    expect(toCharlie.unread().map(({ seq }) => seq)).not.toContain(second.seq)
    const all = [...multicastNotices, ...bobsNotices, ...toBob.unread()].filter(
      (notice) => notice.room === room,
    )
    expectChain(all.toSorted((a, b) => a.seq - b.seq))
  })

  it('publishes the event `leave`, but no later one, to the user who left a private room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const toBob = await app.listen(deliverNotify, { user: 'bob' }, 'bob')
    await app.send(room, 'here you are', 'alice')

    await app.call('room.leave', { room }, 'bob')
    await app.send(room, 'without bob', 'alice')
    const other = await app.createRoom(['alice', 'bob'], 'private')
    await app.send(other, 'elsewhere', 'alice')

    const received = await toBob.until((notice) => notice.room === other)
    expect(received).toMatchObject([
      { event: { text: 'here you are' } },
      { event: { action: 'leave', userId: 'bob' } },
      { event: { text: 'elsewhere' } },
    ])
  })

  it('ignores events that are not stored in the stream CHAT_MESSAGES', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const mailbox = await listenToRoom(room, 'bob')
    const { nc } = await app.connectAs('functions')
    const at = new Date().toISOString()
    const event = { kind: 'react', by: 'alice', at, emoji: '👍', on: true }

    nc.publish(`log.${room}`, JSON.stringify({ ...event, message: { notifyId: unknownNotifyId } }))
    await nc.flush()
    const { seq } = await app.send(room, 'true', 'alice')

    expect(await mailbox.next()).toMatchObject({ seq, prev: 0 })
  })

  it.each(['public', 'private'] as const)(
    'publishes the events of a busy %s room once and in order',
    async (kind) => {
      const room = await app.createRoom(['alice', 'bob'], kind)
      const mailbox = await listenToRoom(room, 'bob', kind)

      const answers = await sendMany(room, 600)

      const last = Math.max(...answers.map(({ seq }) => seq))
      const received = await mailbox.until(({ seq }) => seq === last)
      expect(received.map(({ seq }) => seq)).toEqual(answers.map(({ seq }) => seq).sort(byNumber))
      expect(received[0]?.prev).toBe(0)
      expectChain(received)
    },
  )

  it('publishes events in order while the lookup of the members is slow', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const mailbox = await listenToRoom(room, 'bob', 'private')
    const { called } = await answerFirstCallLate(room)

    const first = await app.send(room, 'first', 'alice')
    const firstNotice = mailbox.next()
    await Promise.race([called, firstNotice])
    // The join of charlie invalidates the first lookup of the members, which is still pending. The
    // second lookup is answered before the first one.
    await app.inviteAndJoin(room, 'charlie', 'alice')
    const last = await app.send(room, 'last', 'alice')

    const received = [await firstNotice, ...(await mailbox.until(({ seq }) => seq === last.seq))]
    expect(received[0]?.seq).toBe(first.seq)
    expectChain(received)
  })

  it('publishes to all members when room.members returns them in several pages', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const mailbox = await listenToRoom(room, 'bob', 'private')
    await answerInPages(room)

    const { seq } = await app.send(room, 'for all', 'alice')

    expect(await mailbox.next()).toMatchObject({ seq })
  })

  it('publishes each event once and without gaps when two runtimes run', async () => {
    await using _ = await servers.startAnother('runtime-2')
    const open = await app.createRoom(['alice', 'bob'])
    const secret = await app.createRoom(['alice', 'bob'], 'private')
    const mailboxes = await Promise.all([
      listenToRoom(open, 'bob'),
      listenToRoom(secret, 'bob', 'private'),
    ])

    const sent = await Promise.all([sendMany(open, 300), sendMany(secret, 300)])

    for (const [index, answers] of sent.entries()) {
      const all = new Set(answers.map(({ seq }) => seq))
      const received: Notice[] = []
      while (received.length < all.size) received.push((await mailboxes[index]?.next()) as Notice)
      const inOrder = received.toSorted((a, b) => a.seq - b.seq)
      expect(inOrder.map(({ seq }) => seq)).toEqual([...all].sort(byNumber))
      expectChain(inOrder)
      expect(mailboxes[index]?.unread()).toEqual([])
    }
  }, 60_000)

  it.each(['public', 'private'] as const)(
    'publishes no event of a %s room twice after a runtime was killed, and lets clients detect events that were lost',
    async (kind) => {
      await using killed = await servers.startAnother(`killed-${kind}`)
      const room = await app.createRoom(['alice', 'bob'], kind)
      const mailbox = await listenToRoom(room, 'bob', kind)
      await app.send(room, 'first', 'alice')
      const first = await mailbox.next()

      const sending = Promise.all(Array.from({ length: 8 }, () => sendUntilConfirmed(room, 50)))
      const second = await mailbox.next()
      await killed.kill('SIGKILL')
      const sent = (await sending).flat()
      const last = await app.send(room, 'last', 'alice')

      const received = [first, second, ...(await mailbox.until(({ seq }) => seq === last.seq))]
      expect(new Set(received.map(({ seq }) => seq)).size).toBe(received.length)
      const sequences = await fillGaps(room, received)
      expect(sent.filter(({ seq }) => !sequences.has(seq))).toEqual([])
    },
    60_000,
  )
})

const unknownNotifyId = `1-${'0'.repeat(32)}`
const byNumber = (a: number, b: number) => a - b

function listenToRoom(
  room: string,
  as: TestPerson,
  kind: 'public' | 'private' = 'public',
): Promise<Mailbox<DataOf<typeof roomNotify>>> {
  return kind === 'public'
    ? app.listen(roomNotify, { room }, as)
    : app.listen(deliverNotify, { user: as, room }, as)
}

/**
 * Answers room.members in place of the runtime, the first call only after 300 ms. `called` resolves
 * at the first call. The test subscribes 49 times to the queue group and the runtime only once, so
 * the test receives almost every call.
 */
async function answerFirstCallLate(room: RoomId) {
  const { nc } = await app.connectAs('functions')
  const first = Promise.withResolvers<void>()
  let delay = 300
  for (let share = 1; share < 50; share++)
    nc.subscribe(`room.members.${room}`, {
      queue: 'room-members-workers',
      callback(_, message) {
        first.resolve()
        setTimeout(() => message.respond('{"members":["alice","bob"]}'), delay)
        delay = 0
      },
    })
  await nc.flush()
  return { called: first.promise }
}

/** Answers room.members in two pages, as the runtime does for a large room. */
async function answerInPages(room: RoomId) {
  const { nc } = await app.connectAs('functions')
  for (let share = 1; share < 50; share++)
    nc.subscribe(`room.members.${room}`, {
      queue: 'room-members-workers',
      callback(_, message) {
        const { after } = message.json<{ after?: string }>()
        message.respond(after ? '{"members":["bob"]}' : '{"members":["alice"],"next":"alice"}')
      },
    })
  await nc.flush()
}

async function fillGaps(room: RoomId, received: readonly Pick<Notice, 'seq' | 'prev'>[]) {
  const sequences = new Set(received.map(({ seq }) => seq))
  for (const { prev } of received.slice(1)) {
    if (sequences.has(prev)) continue
    const since = Math.max(...[...sequences].filter((seq) => seq < prev))
    const missed = await app.call('chat.sync', { room, since }, 'bob')
    if (missed.recovered) for (const { seq } of missed.events) sequences.add(seq)
  }
  return sequences
}

function sendMany(room: RoomId, count: number) {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      app.send(room, `${index}`, index % 2 ? 'alice' : 'bob'),
    ),
  )
}

async function sendUntilConfirmed(room: RoomId, count: number) {
  const answers = []
  for (let index = 0; index < count; index++) {
    const clientId = newClientId()
    answers.push(await retry(() => app.send(room, `${index}`, 'alice', clientId)))
  }
  return answers
}

async function retry<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === 5) throw error
    }
  }
}
