import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDb } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { deliverRejected } from '#schema/messages/chat'
import { roomNotify } from '#schema/messages/event'
import { ROOMS_KV } from '#schema/streams'
import { type App, createApp, newClientId, newUserId } from '../support/app.ts'
import { withFullStream } from '../support/full-stream.ts'
import { createPresenceFixture } from '../support/presence-fixture.ts'
import { type Servers, startServers } from '../support/servers.ts'

let servers: Servers
let app: App
let presence: ReturnType<typeof createPresenceFixture>

// These tests start servers of their own: they need the default rate limits, and they fill
// CHAT_MESSAGES.
beforeAll(async () => {
  servers = await startServers('postgres', { RATE_LIMIT_FACTOR: '1' })
  process.env.DATABASE_URL = servers.urls.databaseUrl
  app = createApp(servers.urls)
  presence = createPresenceFixture(app)
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})

function settleAll(calls: Promise<unknown>[]): Promise<('answered' | Rejection)[]> {
  return Promise.all(
    calls.map((call) =>
      call.then(
        () => 'answered' as const,
        (rejection: Rejection) => rejection,
      ),
    ),
  )
}

interface Rejection {
  code: string
  retryAfterMs?: number
}

type Call = (as: UserId, room: RoomId) => Promise<unknown>

const newMessage = (room: RoomId) => ({ room, clientId: newClientId(), text: 'said' })
const floods: [name: string, max: number, windowMs: number, call: Call][] = [
  [
    'send',
    60,
    30_000,
    async (as, room) => (await app.clientFor(as)).call('send', newMessage(room)),
  ],
  [
    'room.join',
    120,
    60_000,
    async (as, room) => (await app.clientFor(as)).call('room.join', { room }),
  ],
  ['presence.heartbeat', 600, 60_000, (as) => presence.heartbeat(as)],
]

describe('rate limits', () => {
  it.each(floods)('apply to %s per user', async (_name, max, windowMs, call) => {
    const [flooding, other] = [newUserId(), newUserId()]
    const room = await app.createRoom([flooding, other])

    const outcomes = await settleAll(Array.from({ length: max + 50 }, () => call(flooding, room)))
    const others = await settleAll(Array.from({ length: 10 }, () => call(other, room)))

    const rejected = outcomes.filter((outcome) => outcome !== 'answered')
    expect(outcomes.length - rejected.length).toBeLessThanOrEqual(max)
    expect(outcomes.length - rejected.length).toBeGreaterThanOrEqual(max * 0.9)
    for (const { code, retryAfterMs = 0 } of rejected) {
      expect(code).toBe('rate_limited')
      expect(retryAfterMs).toBeGreaterThan(0)
      expect(retryAfterMs).toBeLessThanOrEqual(2 * windowMs)
    }
    expect(others).toEqual(others.map(() => 'answered'))
  })

  it('publish a rejection with a retry delay to a sender whose request has no reply subject', async () => {
    const user = newUserId()
    const room = await app.createRoom([user])
    const client = await app.clientFor(user)
    const rejections = await app.listen(deliverRejected, { user, room }, 'functions')

    const messages = Array.from({ length: 80 }, () => newMessage(room))
    for (const message of messages) client.publish('send', message)

    expect(await rejections.next()).toEqual({
      user,
      room,
      clientId: expect.any(String),
      code: 'rate_limited',
      message: expect.any(String),
      retryAfterMs: expect.any(Number),
    })
  })
})

describe('a full stream', () => {
  it('rejects messages as unavailable, and accepts them once it has space again', async () => {
    const user = newUserId()
    const room = await app.createRoom([user])
    const client = await app.clientFor(user)
    const first = await client.call('send', newMessage(room))
    const message = newMessage(room)
    const rejections = await app.listen(deliverRejected, { user, room }, 'functions')
    const mailbox = await app.listen(roomNotify, { room }, 'functions')

    await withFullStream(app, async () => {
      await expect(client.call('send', message)).rejects.toMatchObject({ code: 'unavailable' })
      client.publish('send', message)
      expect(await rejections.next()).toMatchObject({
        clientId: message.clientId,
        code: 'unavailable',
      })
    })
    const later = await client.call('send', message)

    const notices = await mailbox.until(({ seq }) => seq === later.seq)
    expect(notices.at(-1)).toMatchObject({ prev: first.seq })
    const events = await app.readEvents(room)
    expect(events.map((event) => 'clientId' in event && event.clientId)).toEqual([
      expect.any(String),
      message.clientId,
    ])
  })
})

describe('room.members', () => {
  it('returns the members of a large room in pages', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const users = await addMembers(room, 13_500)
    const { client } = await app.connectAs('functions')
    const call = (after?: UserId) =>
      client.call('room.members', { room, after }, { timeoutMs: 20_000 })

    const first = await call()
    const rest = await call(first.next)

    expect(first.members.length).toBeGreaterThan(10_000)
    expect(rest.next).toBeUndefined()
    expect([...first.members, ...rest.members]).toEqual(['alice', ...users])
  }, 60_000)
})

/** Adds members with long user ids to ROOMS_KV, and returns the ids in order. */
async function addMembers(room: RoomId, count: number): Promise<UserId[]> {
  const { nc } = await app.connectAs('functions')
  const { streams } = await jetstreamManager(nc)
  const users = Array.from(
    { length: count },
    (_, index) => `user-${index}`.padEnd(11, '-').padEnd(64, 'x') as UserId,
  ).sort()
  const [stream, prefix] = [`KV_${ROOMS_KV.bucket}`, `$KV.${ROOMS_KV.bucket}.${room}.`]
  const before = (await streams.info(stream)).state.messages
  for (const user of users)
    nc.publish(prefix + user, JSON.stringify({ kind: 'private', role: 'member' }))
  const countStored = async () => (await streams.info(stream)).state.messages - before
  await expect.poll(countStored, { timeout: 30_000 }).toBe(count)
  return users
}
