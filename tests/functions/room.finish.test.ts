import { jetstream } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { closeDb, db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import { deliverNotify } from '#schema/messages/event'
import { members, pendingEvents } from '#schema/tables/room'
import { type App, createApp, newRoomId, type TestPerson } from '../support/app.ts'
import { withFullStream } from '../support/full-stream.ts'
import { type Servers, startServers } from '../support/servers.ts'

/** The timeout is longer than the interval at which `room.finish` runs. */
const polling = { timeout: 30_000, interval: 200 }

let servers: Servers
let app: App

beforeAll(async () => {
  servers = await startServers(inject('servers').database)
  process.env.DATABASE_URL = servers.urls.databaseUrl
  app = createApp(servers.urls)
  await app.createUsers('bob', 'charlie')
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})

/**
 * Creates a room with the rows that a process leaves in the database if it adds charlie, but
 * crashes before it publishes the join event.
 */
async function createInterrupted() {
  const room = await createRoom()
  const [userId, by] = ['charlie', 'alice'] as UserId[] as [UserId, UserId]
  await db.insert(members).values({ room, userId, role: 'guest' })
  const at = new Date().toISOString()
  const event = { kind: 'member', action: 'join', room, userId, role: 'guest', by, at } as const
  await db.insert(pendingEvents).values({ room, event })
  return room
}

async function createRoom(others: TestPerson[] = []): Promise<RoomId> {
  const room = await app.createRoom(['alice', ...others], 'private', { alice: 'owner' })
  await app.send(room, 'before', 'alice')
  return room
}

const unavailable = { code: 'unavailable' }
const readMessages = async (room: RoomId) =>
  (await app.readEvents(room)).flatMap((event) => (event.kind === 'message' ? [event] : []))
const readChanges = async (room: RoomId) =>
  (await app.readEvents(room)).flatMap((event) => (event.kind === 'message' ? [] : [event]))

describe('room.finish', () => {
  it('publishes pending events, including those of a crashed process, once the stream accepts writes again', async () => {
    const interrupted = await createInterrupted()
    const room = await createRoom(['bob'])
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await withFullStream(app, async () => {
      const [userId, name] = ['charlie', 'Another name'] as const
      await app.call('room.invite', { room, userId }, 'bob')
      await expect(app.call('room.join', { room }, userId)).rejects.toMatchObject(unavailable)
      await expect(app.call('room.rename', { room, name }, 'alice')).rejects.toMatchObject(
        unavailable,
      )
      const promotion = { room, userId, role: 'moderator' } as const
      await expect(app.call('room.role', promotion, 'alice')).rejects.toMatchObject(unavailable)
      await expect(app.call('room.kick', { room, userId }, 'alice')).rejects.toMatchObject(
        unavailable,
      )
    })

    const received = await toBob.until(
      (notice) => notice.event?.kind === 'member' && notice.event.action === 'kick',
    )
    expect(await readChanges(room)).toMatchObject([
      { kind: 'member', action: 'join', userId: 'charlie', role: 'member', by: 'charlie' },
      { kind: 'room', action: 'rename', name: 'Another name', by: 'alice' },
      { kind: 'member', action: 'role', userId: 'charlie', role: 'moderator', by: 'alice' },
      { kind: 'member', action: 'kick', userId: 'charlie', by: 'alice' },
    ])
    expect(received.at(-1)?.event?.kind).toBe('member')
    await expect.poll(() => db.$count(pendingEvents), polling).toBe(0)
    expect(await readChanges(interrupted)).toMatchObject([{ action: 'join', userId: 'charlie' }])
    const synced = await app.call('chat.sync', { room: interrupted, since: 0 }, 'charlie')
    expect(synced).toMatchObject({ recovered: true })
  }, 60_000)

  it('publishes the message of an app action that succeeded while the stream rejected writes', async () => {
    const room = await createRoom(['bob'])
    await app.call('apps.install', { room, app: 'poll' as AppId }, 'alice')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const poll = { id: crypto.randomUUID(), question: 'Lunch?', options: ['Yes', 'No'] }

    await withFullStream(app, async () => {
      await app.act('poll', room, 'create', poll, 'bob')
      await app.act('poll', room, 'create', poll, 'bob')
    })

    const { event } = await toBob.next()
    expect(event).toMatchObject({ kind: 'message', sender: '_app_poll' })
    await expect.poll(() => db.$count(pendingEvents), polling).toBe(0)
    expect((await readMessages(room)).map(({ text }) => text)).toEqual([
      'before',
      expect.stringMatching(/^bob.* started a poll: Lunch\?$/i),
    ])
  }, 60_000)

  it('publishes pending events before the next event of the room', async () => {
    const room = await createRoom(['bob'])
    await withFullStream(app, async () => {
      await expect(app.call('room.leave', { room }, 'bob')).rejects.toMatchObject(unavailable)
    })

    await app.inviteAndJoin(room, 'bob', 'alice')

    expect(await readChanges(room)).toMatchObject([
      { action: 'leave', userId: 'bob' },
      { action: 'join', userId: 'bob' },
    ])
  })

  it('does not publish an event twice if a process crashed after it had appended the event to the stream', async () => {
    const room = await createRoom()
    const [userId, by] = ['charlie', 'alice'] as UserId[] as [UserId, UserId]
    const at = new Date().toISOString()
    const event = { kind: 'member', action: 'join', room, userId, role: 'guest', by, at } as const
    const [pending] = await db.insert(pendingEvents).values({ room, event }).returning()
    const { nc } = await app.connectAs('functions')
    const { room: _, ...payload } = event
    const msgID = `room.event.${pending?.id}`
    await jetstream(nc).publish(`chat.${room}`, JSON.stringify(payload), { msgID })

    await app.inviteAndJoin(room, 'bob', 'alice')

    expect(await readChanges(room)).toMatchObject([{ userId: 'charlie' }, { userId: 'bob' }])
  })

  it('publishes the creation of a room when its creator repeats the failed call of room.create', async () => {
    await createRoom()
    const input = { room: newRoomId(), name: 'Begun', kind: 'private' } as const
    const create = () => app.call('room.create', input, 'alice')
    await withFullStream(app, async () => {
      await expect(create()).rejects.toMatchObject(unavailable)
    })

    const answers = await Promise.all([create(), create(), create()])

    for (const { room } of answers)
      expect(room).toEqual({ ...input, room: undefined, id: input.room })
    expect(await readChanges(input.room as RoomId)).toMatchObject([
      { kind: 'room', action: 'create', name: 'Begun' },
      { kind: 'member', action: 'join', userId: 'alice', role: 'owner' },
    ])
  })
})
