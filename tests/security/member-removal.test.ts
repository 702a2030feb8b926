import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/nats-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { InputOf } from '#runtime'
import { contracts } from '#schema/contracts'
import { closeDb } from '#schema/db'
import { type MessageId, type NotifyId, type RoomId, readNotifyId, toNotifyId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { deliverPresence, deliverTyping, roomPresence } from '#schema/messages/presence'
import type { RoomKind } from '#schema/messages/room'
import { type App, createApp, newClientId, newMessageId } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'

let servers: Servers
let app: App

// These tests run a second runtime, because each runtime has its own caches: while one of them
// handles a change, the other may have cached the state before it.
beforeAll(async () => {
  servers = await startServers('postgres')
  process.env.DATABASE_URL = servers.urls.databaseUrl
  await servers.startAnother('other')
  app = createApp(servers.urls)
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})

type Contracts = typeof contracts
type InputsByName = { [Name in keyof Contracts]?: InputOf<Contracts[Name]>[] }

interface RoomFixture {
  room: RoomId
  /** Ids of a short and a long message by alice, of an edited message by bob, and of a reply. */
  notifyIds: NotifyId[]
  threadId: MessageId
  seq: number
}

async function createRoomFixture(kind: RoomKind): Promise<RoomFixture> {
  const room = await app.createRoom(['alice', 'bob', 'charlie'], kind, {
    alice: 'owner',
    bob: 'moderator',
  })
  const first = await app.send(room, 'by alice', 'alice')
  const long = await app.send(room, 'long '.repeat(1_000), 'alice')
  const bobs = await app.send(room, 'by bob', 'bob')
  const reply = await app.call(
    'send.thread',
    { room, threadId: first.id, clientId: newClientId(), text: 'in a thread' },
    'alice',
  )
  const notifyIds = [first, long, bobs, reply].map(toNotifyId)
  const ownId = toNotifyId(bobs)
  const { seq } = await app.call('msg.edit', { notifyId: ownId, text: 'edited by bob' }, 'bob')
  await app.waitForRows(room, 4)
  return { room, notifyIds, threadId: first.id, seq }
}

function readsOf({ room, notifyIds, threadId, seq }: RoomFixture) {
  return {
    'apps.room': [{ room }],
    'chat.history': [{ room }, { room, around: seq }],
    'chat.history.thread': [{ room, threadId }],
    'chat.sync': [
      { room, since: 0 },
      { room, since: seq },
    ],
    'mention.find': [{ room }],
    'msg.get': notifyIds.map((notifyId) => ({ notifyId })),
    'msg.find': notifyIds.map((notifyId) => ({ room, id: readNotifyId(notifyId).id })),
    // Only the sender of a message may read its trace. The third message is the one that bob sent.
    'msg.trace': notifyIds.slice(2, 3).map((notifyId) => ({ notifyId })),
    'msg.versions': notifyIds.map((notifyId) => ({ notifyId })),
    'presence.room': [{ room }],
    'read.update': [
      { room, seq },
      { room, seq: 0, unread: true },
    ],
    'read.update.thread': [{ room, threadId, seq }],
    'room.info': [{ room }],
  } satisfies InputsByName
}

function writesOf({ room, notifyIds, threadId }: RoomFixture) {
  const newMessage = () => ({ room, clientId: newClientId(), text: 'still here' })
  return {
    'apps.install': [{ room, app: 'poll' as AppId }],
    'apps.uninstall': [{ room, app: 'poll' as AppId }],
    'msg.react': notifyIds.map((notifyId) => ({ notifyId, emoji: '👍' })),
    'msg.edit': notifyIds.map((notifyId) => ({ notifyId, text: 'mine' })),
    'msg.delete': notifyIds.map((notifyId) => ({ notifyId })),
    send: [newMessage()],
    'send.thread': [{ ...newMessage(), threadId }],
    typing: [{ room }, { room, threadId }],
    'room.rename': [{ room, name: 'Mine' }],
    'room.role': [{ room, userId: 'alice', role: 'guest' }],
    'room.kick': [{ room, userId: 'charlie' }],
    'room.invite': [{ room, userId: 'dora' }],
    'room.unban': [{ room, userId: 'bob' }],
    'room.bans': [{ room }],
    'room.decline': [{ room }],
    'room.archive': [{ room }, { room, archived: false }],
    'room.leave': [{ room }],
    'room.join': [{ room }],
    'room.create': [{ room, name: 'Mine', kind: 'public' }],
    'admin.role': [{ room, userId: 'bob', role: 'owner' }],
    'room.members': [{ room }],
  } satisfies InputsByName
}

/**
 * Neither `readsOf` nor `writesOf` contains these functions, because most of them have no room in
 * their input. The tests below call room.list and room.browse separately.
 */
const otherFunctions = [
  'admin.deactivate',
  'admin.reactivate',
  'apps.list',
  'apps.remove',
  'console.dead',
  'console.discard',
  'console.replay',
  'console.service',
  'console.services',
  'console.traces',
  'prefs.get',
  'prefs.set',
  'presence.disconnect',
  'presence.heartbeat',
  'presence.update',
  'room.archived',
  'room.browse',
  'room.direct',
  'room.invitations',
  // Only large rooms have keys, so the tests of `room.keys` cover removed members.
  'room.keys',
  'room.list',
  'thread.list',
  'trace.report',
  'translate.cancel',
  'translate.ping',
  // It needs a translation engine, so the tests of `translate.request` cover removed members.
  'translate.request',
  'translate.run',
  'user.block',
  'user.unblock',
  'users.id',
  'users.me',
  'users.names',
  'users.search',
] as const

type Covered =
  | keyof ReturnType<typeof readsOf>
  | keyof ReturnType<typeof writesOf>
  | (typeof otherFunctions)[number]
/**
 * This file does not compile if a function is in none of `readsOf`, `writesOf` and
 * `otherFunctions`.
 */
const missing: Exclude<keyof Contracts, Covered> extends never
  ? 'none'
  : Exclude<keyof Contracts, Covered> = 'none'

/** Calls the functions as bob, and returns the distinct outcomes, such as `send: forbidden`. */
async function outcomesOf(inputsByName: InputsByName, times: number): Promise<string[]> {
  const calls = Object.entries(inputsByName).flatMap(([name, inputs]) =>
    Array.from({ length: times }).flatMap(() => inputs.map((input) => ({ name, input }))),
  )
  const outcomes = await Promise.all(
    calls.map(({ name, input }) =>
      app.call(name as keyof Contracts, input, 'bob').then(
        () => `${name}: answered`,
        ({ code }) => `${name}: ${code}`,
      ),
    ),
  )
  return [...new Set(outcomes)]
}

async function collectFrames(room: RoomId) {
  const { nc } = await app.connectAs('bob')
  const frames: string[] = []
  const subjects = [
    'deliver.bob.>',
    ...['notify', 'typing', 'presence'].map((topic) => `room.${topic}.*`),
  ]
  for (const subject of subjects) {
    const subscription = nc.subscribe(subject, {
      callback(_error, message) {
        const frame = `${message.subject} ${message.string()}`
        // Leave out bob's own requests and replies.
        if (frame.includes(room) && !/^deliver\.bob\.(send|reply)\./.test(frame)) frames.push(frame)
      },
    })
    onTestFinished(() => subscription.unsubscribe())
  }
  await nc.flush()
  return frames
}

/**
 * Calls functions as bob without a pause, so that the runtime caches his membership. The returned
 * function stops the calls, and returns the time of the last successful call.
 */
async function callWithoutPause(room: RoomId): Promise<() => Promise<number>> {
  const stopping = new AbortController()
  const first = Promise.withResolvers<void>()
  let lastAnswerAt = 0
  const ended = Promise.all(
    (['chat.sync', 'chat.history', 'presence.room', 'room.join'] as const).map(async (name) => {
      while (!stopping.signal.aborted)
        await app
          .call(name, name === 'chat.sync' ? { room, since: 0 } : { room }, 'bob')
          .then(() => {
            lastAnswerAt = performance.now()
            first.resolve()
          })
          .catch(() => undefined)
    }),
  )
  await first.promise
  return async () => {
    stopping.abort()
    await ended
    return lastAnswerAt
  }
}

async function publishEvents({ room, notifyIds: [first], threadId }: RoomFixture) {
  const notices = await app.listen(deliverNotify, { user: 'charlie', room }, 'charlie')
  const multicast = await app.listen(roomNotify, { room }, 'charlie')
  const signs = await app.listen(deliverTyping, { user: 'charlie', room }, 'charlie')
  const text = 'what bob must not see'
  await app.send(room, text, 'alice')
  await app.call('send.thread', { room, threadId, clientId: newClientId(), text }, 'alice')
  await app.call('msg.edit', { notifyId: first as NotifyId, text }, 'alice')
  await app.call('msg.react', { notifyId: first as NotifyId, emoji: '🎉' }, 'alice')
  await app.call('typing', { room }, 'alice')
  await app.call('msg.delete', { notifyId: first as NotifyId }, 'alice')
  await notices.until(({ kind }) => kind === 'delete')
  await signs.next()
  expect(multicast.unread()).toEqual([])
}

async function changePresence(room: RoomId) {
  const changes = await app.listen(deliverPresence, { user: 'charlie', room }, 'charlie')
  const multicast = await app.listen(roomPresence, { room }, 'charlie')
  for (const as of ['alice', 'charlie'] as const)
    await app.call('presence.heartbeat', { connId: 'tab' }, as)
  for (const status of ['busy', 'away'] as const) {
    await app.call('presence.update', { status }, 'alice')
    await changes.until((broadcast) => broadcast.changes.some((change) => change.status === status))
  }
  expect(multicast.unread()).toEqual([])
}

async function flushTwice({ nc }: { nc: NatsConnection }) {
  await nc.flush()
  await nc.flush()
}

const removeBy = {
  kick: (room: RoomId) => app.call('room.kick', { room, userId: 'bob' }, 'alice'),
  leave: (room: RoomId) => app.call('room.leave', { room }, 'bob'),
  archive: (room: RoomId) => app.call('room.archive', { room }, 'alice'),
}

describe('access to a room', () => {
  it('is tested with every function', () => {
    const fixture: RoomFixture = {
      room: 'room' as RoomId,
      notifyIds: [],
      threadId: newMessageId(),
      seq: 1,
    }
    const covered = [
      ...Object.keys({ ...readsOf(fixture), ...writesOf(fixture) }),
      ...otherFunctions,
    ]

    expect(missing).toBe('none')
    expect(covered.sort()).toEqual(Object.keys(contracts).sort())
  })

  it.each([
    ['a kick from a private room', 'kick', 'private'],
    ['a kick from a public room', 'kick', 'public'],
    ['leaving a private room', 'leave', 'private'],
    ['the archiving of a private room', 'archive', 'private'],
    ['the archiving of a public room', 'archive', 'public'],
  ] as const)('ends within one second of %s', async (_name, removal, kind) => {
    const fixture = await createRoomFixture(kind)
    const { room } = fixture
    const before = await outcomesOf(readsOf(fixture), 8)
    expect(before).toEqual(Object.keys(readsOf(fixture)).map((name) => `${name}: answered`))
    const frames = await collectFrames(room)
    const stopCalls = await callWithoutPause(room)

    await removeBy[removal](room)
    const removedAt = performance.now()
    await sleep(1_000)
    await flushTwice(await app.connectAs('bob'))
    expect(frames.splice(0)).not.toEqual([])
    const lastAnswerAt = await stopCalls()
    const outcomes = await outcomesOf({ ...readsOf(fixture), ...writesOf(fixture) }, 4)

    expect(outcomes.filter((outcome) => !outcome.endsWith(': forbidden'))).toEqual([
      'room.create: conflict',
    ])
    expect(lastAnswerAt - removedAt).toBeLessThan(1_000)
    const { rooms } = await app.call('room.list', {}, 'bob')
    const browsed = await app.call('room.browse', { text: room }, 'bob')
    expect(JSON.stringify([rooms, browsed])).not.toContain(room)

    if (removal !== 'archive') {
      await publishEvents(fixture)
      await changePresence(room)
    }
    await flushTwice(await app.connectAs('bob'))
    expect(frames).toEqual([])
  })

  it('is limited to that of a non-member after leaving a public room', async () => {
    const fixture = await createRoomFixture('public')
    await outcomesOf(readsOf(fixture), 8)

    await removeBy.leave(fixture.room)
    await sleep(1_000)

    const forMembers = [
      'apps.room',
      'mention.find',
      'msg.trace',
      'msg.versions',
      'read.update',
      'read.update.thread',
    ]
    expect((await outcomesOf(readsOf(fixture), 4)).sort()).toEqual(
      Object.keys(readsOf(fixture))
        .map((name) => `${name}: ${forMembers.includes(name) ? 'forbidden' : 'answered'}`)
        .sort(),
    )
  })
})
