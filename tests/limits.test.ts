import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDb } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { deliverRejected } from '#schema/messages/chat'
import { roomNotify } from '#schema/messages/log'
import { whileFull } from './full-log.ts'
import { type App, createApp, newClientId } from './harness.ts'
import { createCrowd, newUser } from './presence-ground.ts'
import { type Servers, startServers } from './servers.ts'

let servers: Servers
let app: App
let crowd: ReturnType<typeof createCrowd>

// Servers of their own: with the limits that everybody has, and a log that takes nothing for a while.
beforeAll(async () => {
  servers = await startServers('postgres', { RATE_LIMIT_FACTOR: '1' })
  process.env.DATABASE_URL = servers.urls.databaseUrl
  app = createApp(servers.urls)
  crowd = createCrowd(app)
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})

/** What each of these ends with: `answered`, or the refusal. */
function endsOf(asks: Promise<unknown>[]): Promise<('answered' | Refusal)[]> {
  return Promise.all(
    asks.map((ask) =>
      ask.then(
        () => 'answered' as const,
        (refusal: Refusal) => refusal,
      ),
    ),
  )
}

interface Refusal {
  code: string
  retryAfterMs?: number
}

type Ask = (as: UserId, room: RoomId) => Promise<unknown>

const said = (room: RoomId) => ({ room, clientId: newClientId(), text: 'said' })
const floods: [name: string, max: number, windowMs: number, ask: Ask][] = [
  ['send', 60, 30_000, async (as, room) => (await crowd.as(as)).call('send', said(room))],
  ['room.join', 120, 60_000, async (as, room) => (await crowd.as(as)).call('room.join', { room })],
  ['presence.heartbeat', 600, 60_000, (as) => crowd.beat(as)],
]

describe('whoever asks too often', () => {
  it.each(floods)('of %s is refused, and nobody else is', async (_name, max, windowMs, ask) => {
    const [flooding, calm] = [newUser(), newUser()]
    const room = await crowd.givenRoom([flooding, calm])

    const ends = await endsOf(Array.from({ length: max + 50 }, () => ask(flooding, room)))
    const others = await endsOf(Array.from({ length: 10 }, () => ask(calm, room)))

    const refused = ends.filter((end) => end !== 'answered')
    expect(ends.length - refused.length).toBeLessThanOrEqual(max)
    expect(ends.length - refused.length).toBeGreaterThanOrEqual(max * 0.9)
    for (const { code, retryAfterMs = 0 } of refused) {
      expect(code).toBe('rate_limited')
      expect(retryAfterMs).toBeGreaterThan(0)
      expect(retryAfterMs).toBeLessThanOrEqual(2 * windowMs)
    }
    expect(others).toEqual(others.map(() => 'answered'))
  })

  it('and for no answer is told on their own subject, with when to try again', async () => {
    const user = newUser()
    const room = await crowd.givenRoom([user])
    const client = await crowd.as(user)
    const rejections = await app.listen(deliverRejected, { user, room }, 'functions')

    const messages = Array.from({ length: 80 }, () => said(room))
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

describe('a full log', () => {
  it('refuses what is said, drops nothing, and takes it later', async () => {
    const user = newUser()
    const room = await crowd.givenRoom([user])
    const client = await crowd.as(user)
    const first = await client.call('send', said(room))
    const message = said(room)
    const rejections = await app.listen(deliverRejected, { user, room }, 'functions')
    const heard = await app.listen(roomNotify, { room }, 'functions')

    await whileFull(app, async () => {
      await expect(client.call('send', message)).rejects.toMatchObject({ code: 'unavailable' })
      client.publish('send', message)
      expect(await rejections.next()).toMatchObject({
        clientId: message.clientId,
        code: 'unavailable',
      })
    })
    const later = await client.call('send', message)

    expect(await heard.next()).toMatchObject({ seq: later.seq, prev: first.seq })
    const events = await app.eventsOf(room)
    expect(events.map((event) => 'clientId' in event && event.clientId)).toEqual([
      expect.any(String),
      message.clientId,
    ])
  })
})
