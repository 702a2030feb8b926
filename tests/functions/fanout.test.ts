import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { DataOf } from '#runtime'
import { closeDb } from '#schema/db'
import { type RoomId, toNotifyId } from '#schema/ids'
import { deliverNotify, type Notice, roomNotify } from '#schema/messages/event'
import { type App, createApp, type Mailbox, newClientId, type TestPerson } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'

// Separate servers, because these tests kill runtimes.
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
  it('publishes each event of a room once, with the sequence of the previous event', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    const heard = await listenToRoom(room, 'charlie')

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

    const told = await heard.until(({ seq }) => seq === last.seq)
    const kinds = told.map(({ kind, event }) => (event && 'action' in event ? event.action : kind))
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
    expect(told[0]?.prev).toBe(0)
    expectChain(told)
  })

  it('publishes events of a direct room to its two members only', async () => {
    await app.connectAs('bob')
    // The login reaches the user directory with a delay.
    const { room } = await vi.waitFor(
      () => app.call('room.direct', { with: 'bob' }, 'alice'),
      5_000,
    )
    const hers = await app.listen(deliverNotify, { user: 'alice', room: room.id }, 'alice')
    const his = await app.listen(deliverNotify, { user: 'bob', room: room.id }, 'bob')
    const toCharlie = await app.listen(deliverNotify, { user: 'charlie' }, 'charlie')
    const multicast = await app.listen(roomNotify, {}, 'charlie')
    const other = await app.createRoom(['alice', 'charlie'], 'private')
    const open = await app.createRoom(['alice'])

    const { seq } = await app.send(room.id, 'psst', 'alice')
    await app.send(other, 'for charlie', 'alice')
    await app.send(open, 'for all', 'alice')

    for (const heard of [hers, his]) {
      const [told] = (await heard.until((it) => it.seq === seq)).slice(-1)
      expect(told).toMatchObject({ kind: 'message', event: { text: 'psst', sender: 'alice' } })
    }
    expect(await toCharlie.next()).toMatchObject({ room: other })
    expect(await multicast.next()).toMatchObject({ room: open })
  })

  it('publishes a join in a public room to the new member, who has not subscribed to it yet', async () => {
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

  it('publishes to each member of a public room separately while a user is banned', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'public', { alice: 'owner' })
    const multicast = await app.listen(roomNotify, {}, 'charlie')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const toCharlie = await app.listen(deliverNotify, { user: 'charlie', room }, 'charlie')
    const first = await app.send(room, 'for all', 'alice')

    await app.call('room.kick', { room, userId: 'charlie' }, 'alice')
    const second = await app.send(room, 'without charlie', 'alice')
    await app.call('room.invite', { room, userId: 'charlie' }, 'alice')
    const third = await app.send(room, 'with charlie', 'alice')

    const toldAll = await multicast.until(({ seq }) => seq === third.seq)
    const toldBob = await toBob.until(({ seq }) => seq === second.seq)
    expect(toldAll.map(({ seq }) => seq)).toContain(first.seq)
    expect(toldAll.map(({ seq }) => seq)).not.toContain(second.seq)
    // The kick is the last event that the kicked user receives.
    expect(await toCharlie.next()).toMatchObject({ event: { action: 'kick', userId: 'charlie' } })
    expect(toCharlie.unread().map(({ seq }) => seq)).not.toContain(second.seq)
    const all = [...toldAll, ...toldBob, ...toBob.unread()].filter((it) => it.room === room)
    expectChain(all.toSorted((a, b) => a.seq - b.seq))
  })

  it('publishes the leave event once to the user who left a private room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const toBob = await app.listen(deliverNotify, { user: 'bob' }, 'bob')
    await app.send(room, 'here you are', 'alice')

    await app.call('room.leave', { room }, 'bob')
    await app.send(room, 'without bob', 'alice')
    const other = await app.createRoom(['alice', 'bob'], 'private')
    await app.send(other, 'elsewhere', 'alice')

    const told = await toBob.until((it) => it.room === other)
    expect(told).toMatchObject([
      { event: { text: 'here you are' } },
      { event: { action: 'leave', userId: 'bob' } },
      { event: { text: 'elsewhere' } },
    ])
  })

  it('ignores events that are not in the stream', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const heard = await listenToRoom(room, 'bob')
    const { nc } = await app.connectAs('functions')
    const at = new Date().toISOString()
    const made = { kind: 'react', by: 'alice', at, emoji: '👍', on: true }

    nc.publish(`log.${room}`, JSON.stringify({ ...made, message: { notifyId: noNotifyId } }))
    await nc.flush()
    const { seq } = await app.send(room, 'true', 'alice')

    expect(await heard.next()).toMatchObject({ seq, prev: 0 })
  })

  it.each(['public', 'private'] as const)(
    'publishes the events of a busy %s room once and in order',
    async (kind) => {
      const room = await app.createRoom(['alice', 'bob'], kind)
      const heard = await listenToRoom(room, 'bob', kind)

      const answers = await sayMany(room, 600)

      const last = Math.max(...answers.map(({ seq }) => seq))
      const told = await heard.until(({ seq }) => seq === last)
      expect(told.map(({ seq }) => seq)).toEqual(answers.map(({ seq }) => seq).sort(byNumber))
      expect(told[0]?.prev).toBe(0)
      expectChain(told)
    },
  )

  it('keeps the order while the lookup of the members is slow', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const heard = await listenToRoom(room, 'bob', 'private')
    const { asked } = await answerSlowlyOnce(room)

    const first = await app.send(room, 'first', 'alice')
    const earliest = heard.next()
    await Promise.race([asked, earliest])
    // Invalidates the pending lookup, so that the next event starts another one.
    await app.call('room.invite', { room, userId: 'charlie' }, 'alice')
    const last = await app.send(room, 'last', 'alice')

    const told = [await earliest, ...(await heard.until(({ seq }) => seq === last.seq))]
    expect(told[0]?.seq).toBe(first.seq)
    expectChain(told)
  })

  it('publishes to all members when the member list needs several pages', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const heard = await listenToRoom(room, 'bob', 'private')
    await answerInParts(room)

    const { seq } = await app.send(room, 'for all', 'alice')

    expect(await heard.next()).toMatchObject({ seq })
  })

  it('publishes each event once with two runtimes, without gaps', async () => {
    await using _ = await servers.startAnother('runtime-2')
    const open = await app.createRoom(['alice', 'bob'])
    const secret = await app.createRoom(['alice', 'bob'], 'private')
    const heard = await Promise.all([
      listenToRoom(open, 'bob'),
      listenToRoom(secret, 'bob', 'private'),
    ])

    const said = await Promise.all([sayMany(open, 300), sayMany(secret, 300)])

    for (const [index, answers] of said.entries()) {
      const all = new Set(answers.map(({ seq }) => seq))
      const told: Notice[] = []
      while (told.length < all.size) told.push((await heard[index]?.next()) as Notice)
      // Two processes publish concurrently; a client sorts by sequence.
      const inOrder = told.toSorted((a, b) => a.seq - b.seq)
      expect(inOrder.map(({ seq }) => seq)).toEqual([...all].sort(byNumber))
      expectChain(inOrder)
      expect(heard[index]?.unread()).toEqual([])
    }
  }, 60_000)

  it.each(['public', 'private'] as const)(
    'reveals gaps in a %s room after a runtime was killed, and publishes nothing twice',
    async (kind) => {
      await using killed = await servers.startAnother(`killed-${kind}`)
      const room = await app.createRoom(['alice', 'bob'], kind)
      const heard = await listenToRoom(room, 'bob', kind)
      await app.send(room, 'first', 'alice')
      const first = await heard.next()

      const saying = Promise.all(Array.from({ length: 8 }, () => sayUntilKept(room, 50)))
      const second = await heard.next()
      await killed.kill('SIGKILL')
      const said = (await saying).flat()
      const last = await app.send(room, 'last', 'alice')

      const told = [first, second, ...(await heard.until(({ seq }) => seq === last.seq))]
      expect(new Set(told.map(({ seq }) => seq)).size).toBe(told.length)
      const known = await fillHoles(room, told)
      expect(said.filter(({ seq }) => !known.has(seq))).toEqual([])
    },
    60_000,
  )
})

const noNotifyId = `1-${'0'.repeat(32)}`
const byNumber = (a: number, b: number) => a - b

/** Subscribes to a room's notices, on the subject that a room of this kind uses. */
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
 * Answers room.members in place of the runtime, the first call with a delay of 300 ms. The returned
 * promise resolves with that call. 49 of the 50 queue group members are this test's.
 */
async function answerSlowlyOnce(room: RoomId) {
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
  return { asked: first.promise }
}

/** Answers room.members with two pages, as for a large room. Bob is on the second page. */
async function answerInParts(room: RoomId) {
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

/** Expects each event to contain the sequence of the event before it. */
function expectChain(told: readonly Pick<Notice, 'seq' | 'prev'>[]) {
  expect(told.slice(1).map(({ prev }) => prev)).toEqual(told.slice(0, -1).map(({ seq }) => seq))
}

/** Returns the sequences that a client has after calling chat.sync for each gap, as the app does. */
async function fillHoles(room: RoomId, told: readonly Pick<Notice, 'seq' | 'prev'>[]) {
  const known = new Set(told.map(({ seq }) => seq))
  for (const { prev } of told.slice(1)) {
    if (known.has(prev)) continue
    const since = Math.max(...[...known].filter((seq) => seq < prev))
    const missed = await app.call('chat.sync', { room, since }, 'bob')
    if (missed.recovered) for (const { seq } of missed.events) known.add(seq)
  }
  return known
}

function sayMany(room: RoomId, count: number) {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      app.send(room, `${index}`, index % 2 ? 'alice' : 'bob'),
    ),
  )
}

/** Sends messages one after the other, and retries each until it is confirmed. */
async function sayUntilKept(room: RoomId, count: number) {
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
