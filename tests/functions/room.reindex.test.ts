import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import type { KV } from '@nats-io/kv'
import { and, eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { closeDb, db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { deliverNotify } from '#schema/messages/event'
import { ROOMS_KV } from '#schema/streams'
import { bans, members, rooms } from '#schema/tables/room'
import { type App, createApp, newUserId, newUserIds } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'

const stream = `KV_${ROOMS_KV.bucket}`
/** The timeout is longer than the interval at which `room.reindex` runs. */
const polling = { timeout: 15_000, interval: 100 }

let servers: Servers
let app: App
let manager: JetStreamManager
let index: KV

beforeAll(async () => {
  // Without default rooms, no login changes memberships during a test.
  servers = await startServers(inject('servers').database, { DEFAULT_ROOMS: '' })
  process.env.DATABASE_URL = servers.urls.databaseUrl
  app = createApp(servers.urls)
  manager = await jetstreamManager((await app.connectAs('functions')).nc)
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  index = await app.openBucket(ROOMS_KV)
})

/** Returns the entries of the member index, without `=index`, which marks the index as complete. */
async function readIndex(): Promise<Map<string, unknown>> {
  const keys: string[] = []
  for await (const key of await index.keys(['*', '*.*'])) if (key !== '=index') keys.push(key)
  keys.sort()
  const entries = await Promise.all(keys.map((key) => index.get(key)))
  return new Map(keys.map((key, index) => [key, entries[index]?.json()]))
}

async function readExpected(): Promise<Map<string, unknown>> {
  const activeRooms = (await db.select().from(rooms)).filter(({ archivedAt }) => !archivedAt)
  const closed = new Set((await db.select().from(bans)).map(({ room }) => room))
  const kinds = new Map(activeRooms.map(({ id, kind }) => [id, kind]))
  const activeMembers = (await db.select().from(members)).filter(({ room }) => kinds.has(room))
  const entries: [string, unknown][] = [
    ...activeRooms.map(({ id, kind }): [string, unknown] => [id, { kind, closed: closed.has(id) }]),
    ...activeMembers.map(({ room, userId, role }): [string, unknown] => [
      `${room}.${userId}`,
      { kind: kinds.get(room), role },
    ]),
  ]
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function createRooms() {
  const closed = await app.createRoom(['alice', 'bob', 'charlie'], 'public', { alice: 'owner' })
  await app.call('room.kick', { room: closed, userId: 'bob' }, 'alice')
  const secret = await app.createRoom(['alice', 'bob'], 'private', { bob: 'moderator' })
  const archived = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
  await app.call('room.archive', { room: archived }, 'alice')
  return { closed, secret, archived }
}

function isMember(room: RoomId, as: 'alice' | 'bob' | 'charlie'): Promise<boolean> {
  return app.call('chat.sync', { room, since: 0 }, as).then(
    () => true,
    ({ code }) => (code === 'forbidden' ? false : code),
  )
}

describe('room.reindex', () => {
  // This test must run first, while there are few rooms: each run of `room.reindex` compares at
  // most 500 memberships, so with many rooms a repair takes several runs.
  it('repairs wrong members, roles and room kinds in the member index', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'private', { alice: 'owner' })
    const other = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const unindexed = await app.createRoom(['alice'], 'private')
    await index.delete(`${room}.bob`)
    await db.delete(members).where(isMembership(room, 'charlie'))
    await index.put(`${room}.${newUserId()}`, JSON.stringify({ kind: 'private', role: 'owner' }))
    await index.put(`${other}.bob`, JSON.stringify({ kind: 'public', role: 'owner' }))
    await index.put(other, JSON.stringify({ kind: 'public', closed: false }))
    await index.delete(unindexed)

    await expect.poll(readIndex, polling).toEqual(await readExpected())

    expect(await isMember(room, 'bob')).toBe(true)
    expect(await isMember(room, 'charlie')).toBe(false)
  })

  it('rebuilds the lost member index on the first call that needs it', async () => {
    const { closed, secret, archived } = await createRooms()
    await manager.streams.purge(stream)

    expect(await isMember(secret, 'bob')).toBe(true)

    expect(await readIndex()).toEqual(await readExpected())
    expect(await isMember(closed, 'charlie')).toBe(true)
    for (const room of [closed, archived]) expect(await isMember(room, 'bob')).toBe(false)
    expect(await isMember(secret, 'charlie')).toBe(false)
  })

  it('rebuilds the member index again when it is lost right after a rebuild', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')

    for (const as of ['alice', 'bob'] as const) {
      await manager.streams.purge(stream)
      expect(await isMember(room, as)).toBe(true)
    }
  })

  it('rebuilds the lost member index before an event is published to a room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    // This call makes the runtime cache alice's membership. So `send` does not read the index, and
    // the delivery to the members is the first to need it.
    await isMember(room, 'alice')
    await manager.streams.purge(stream)

    await app.send(room, 'who is there?', 'alice')

    expect(await toBob.next()).toMatchObject({ event: { text: 'who is there?' } })
    expect(await app.call('room.members', { room }, 'functions')).toMatchObject({
      members: expect.arrayContaining(['alice', 'bob']),
    })
  })

  it('rebuilds the lost member index when room.members is called', async () => {
    const room = await app.createRoom(['alice'])
    await manager.streams.purge(stream)

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
  })

  it('rebuilds the lost member index even if no function is called', async () => {
    await createRooms()
    await manager.streams.purge(stream)

    await expect.poll(async () => index.get('=index'), polling).not.toBeNull()

    expect(await readIndex()).toEqual(await readExpected())
  })

  it('rebuilds the member index after its bucket was deleted and another runtime started', async () => {
    const room = await app.createRoom(['alice'], 'private')
    await manager.streams.delete(stream)
    await expect(app.call('chat.sync', { room, since: 0 }, 'alice')).rejects.toMatchObject({
      code: 'unavailable',
    })

    const another = await servers.startAnother('after')

    expect(await isMember(room, 'alice')).toBe(true)
    index = await app.openBucket(ROOMS_KV)
    expect(await readIndex()).toEqual(await readExpected())
    await another.stop()
  })

  it('does not add back a member who leaves or is kicked during the rebuild', async () => {
    const roomIds = await Promise.all(
      Array.from({ length: 20 }, () =>
        app.createRoom(['alice', 'bob', 'charlie'], 'private', { alice: 'owner' }),
      ),
    )
    // These calls make the runtime cache that alice is a member. So her kicks do not wait for the
    // rebuild of the index, but run during it.
    await Promise.all(roomIds.map((room) => isMember(room, 'alice')))
    await manager.streams.purge(stream)

    const [first] = roomIds
    const rebuilding = isMember(first as RoomId, 'bob')
    await Promise.all([
      ...roomIds.map((room) => app.call('room.leave', { room }, 'charlie')),
      ...roomIds.map((room) => app.call('room.kick', { room, userId: 'bob' }, 'alice')),
    ])
    await rebuilding

    await expect.poll(async () => index.get('=index'), polling).not.toBeNull()
    expect(await readIndex()).toEqual(await readExpected())
    const memberships = await Promise.all(
      roomIds.flatMap((room) => [isMember(room, 'bob'), isMember(room, 'charlie')]),
    )
    expect(memberships).not.toContain(true)
  })

  it('rebuilds the member index of rooms with thousands of members', async () => {
    const sizes = [3_000, 3_000, 5_500]
    const large = await Promise.all(sizes.map(() => app.createRoom(['alice'], 'private')))
    for (const [index, room] of large.entries())
      for (let left = sizes[index] ?? 0; left > 0; left -= 500)
        await db.insert(members).values(newUserIds(500).map((userId) => ({ room, userId })))
    await manager.streams.purge(stream)

    await isMember(large[0] as RoomId, 'alice')

    await expect.poll(async () => index.get('=index'), polling).not.toBeNull()
    const expected = [...(await readExpected()).keys()]
    const found: string[] = []
    for await (const key of await index.keys(['*', '*.*'])) if (key !== '=index') found.push(key)
    expect(found.toSorted()).toEqual(expected.toSorted())
  })
})

function isMembership(room: RoomId, userId: string) {
  return and(eq(members.room, room), eq(members.userId, userId as UserId))
}
