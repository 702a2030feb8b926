import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { DataOf } from '#runtime'
import { closeDb } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { type AppId, appUpdated, deliverAppUpdated } from '#schema/messages/app'
import { deliverRoomKey, type RoomPush, roomEncrypted } from '#schema/messages/encrypted'
import { deliverNotify } from '#schema/messages/event'
import type { RoomKey } from '#schema/messages/room'
import { type App, createApp, type Mailbox } from '../support/app.ts'
import { decryptPush } from '../support/encrypted.ts'
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

const crowd = Array.from({ length: 201 }, (_, index) => `crowd-${index}`)

/** Sends messages until the events of the room are published encrypted. Returns the room's key. */
async function waitForEncryption(room: RoomId): Promise<RoomKey> {
  const toAlice = await app.listen(deliverNotify, { user: 'alice', room }, 'alice')
  const encrypted = await app.listen(roomEncrypted, {}, 'alice')
  let key: DataOf<typeof deliverNotify>['roomKey']
  return vi.waitFor(
    async () => {
      await app.send(room, 'is it encrypted yet?', 'alice')
      key = toAlice.unread().at(-1)?.roomKey ?? key
      const isEncrypted = encrypted.unread().some((push) => push.key === key?.id)
      if (!key || !isEncrypted) throw new Error(`The events of ${room} are not encrypted yet`)
      return key as RoomKey
    },
    { timeout: 25_000, interval: 200 },
  )
}

/**
 * Returns the next notice of the room. Skips other pushes, such as the presence of a user who has
 * joined shortly before.
 */
async function nextNotice(
  encrypted: Mailbox<DataOf<typeof roomEncrypted>>,
  key: RoomKey,
): Promise<RoomPush['notify']> {
  for (;;) {
    const { notify } = decryptPush(key, (await encrypted.next()).data)
    if (notify) return notify
  }
}

// Charlie is no member of the room. Each test continues with the room of the previous test, because
// encryption with a new key begins only after 5 s.
describe.each(['private', 'public'] as const)('a large %s room', (kind) => {
  let room: RoomId
  let key: RoomKey

  beforeAll(async () => {
    room = await app.createRoom(['alice', 'bob', 'charlie', ...crowd], kind, { alice: 'owner' })
    if (kind === 'public') await app.call('room.kick', { room, userId: 'charlie' }, 'alice')
    else await app.call('room.leave', { room }, 'charlie')
    key = await waitForEncryption(room)
  })

  it('publishes each event once, and only members can decrypt it', async () => {
    const frames = await collectFrames('charlie')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const encrypted = await app.listen(roomEncrypted, { key: key.id }, 'bob')
    const text = `secret ${crypto.randomUUID()}`

    const { seq, id } = await app.send(room, text, 'alice')
    await app.call('typing', { room }, 'alice')
    await app.call('presence.heartbeat', { connId: crypto.randomUUID() }, 'bob')
    await publishUpdate(room, text)
    await app.call('apps.install', { room, app: 'poll' as AppId }, 'alice')
    // Bob does not have this status yet, so a change is published.
    await app.call('presence.update', { status: kind === 'private' ? 'busy' : 'away' }, 'bob')

    const pushes: RoomPush = {}
    while (Object.keys(pushes).length < 5)
      Object.assign(pushes, decryptPush(key, (await encrypted.next()).data))
    expect(pushes).toMatchObject({
      notify: { room, seq, event: { text } },
      typing: { room, userId: 'alice' },
      presence: { room, changes: [{ userId: 'bob' }] },
      appUpdated: { app: 'poll', room, version: 1, data: { text } },
      appInstalled: { app: 'poll', room, installed: true },
    })
    expect(toBob.unread()).toEqual([])
    await expect.poll(() => frames.length).toBeGreaterThanOrEqual(5)
    for (const frame of frames)
      for (const secret of [text, id, room, key.key]) expect(frame).not.toContain(secret)
    expect(await app.call('room.keys', { rooms: [room] }, 'charlie')).toEqual({ keys: [] })
  })

  it('replaces the key when bob leaves, so that he cannot decrypt later events', async () => {
    const previous = key
    const frames = await collectFrames('bob')

    await app.call('room.leave', { room }, 'bob')
    key = await waitForEncryption(room)
    const before = frames.length
    await app.send(room, 'without bob', 'alice')

    await expect.poll(() => frames.length).toBeGreaterThan(before)
    expect(key.id).not.toBe(previous.id)
    for (const frame of frames.slice(before))
      for (const secret of [room, previous.id, key.key]) expect(frame).not.toContain(secret)
    expect(await app.call('room.keys', { rooms: [room] }, 'bob')).toEqual({ keys: [] })
  })

  it('gives the key to a new member, and publishes the join to the other members', async () => {
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const encrypted = await app.listen(roomEncrypted, { key: key.id }, 'alice')

    if (kind === 'public') await app.call('room.join', { room }, 'bob')
    else await app.inviteAndJoin(room, 'bob', 'alice')

    const joined = { event: { action: 'join', userId: 'bob' } }
    expect(await toBob.next()).toMatchObject(joined)
    expect(await nextNotice(encrypted, key)).toMatchObject(joined)
    const answer = { keys: [{ room, ...key }] }
    expect(await app.call('room.keys', { rooms: [room] }, 'bob')).toEqual(answer)
  })

  it('publishes its new name and its archiving once, and only members can decrypt them', async () => {
    const frames = await collectFrames('charlie')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const encrypted = await app.listen(roomEncrypted, { key: key.id }, 'bob')
    const name = `secret ${crypto.randomUUID()}`

    await app.call('room.rename', { room, name }, 'alice')
    await app.call('room.archive', { room }, 'alice')

    const events = [await nextNotice(encrypted, key), await nextNotice(encrypted, key)]
    expect(events).toMatchObject([
      { event: { action: 'rename', name } },
      { event: { action: 'archive' } },
    ])
    expect(toBob.unread()).toEqual([])
    await expect.poll(() => frames.length).toBeGreaterThanOrEqual(2)
    for (const frame of frames)
      for (const secret of [name, room, key.key]) expect(frame).not.toContain(secret)
    for (const user of ['alice', 'bob', 'charlie'] as const)
      expect(await app.call('room.keys', { rooms: [room] }, user)).toEqual({ keys: [] })
  })

  it('publishes its restoration to each member, and encrypts later events with a new key', async () => {
    const previous = key
    const frames = await collectFrames('charlie')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await app.call('room.archive', { room, archived: false }, 'alice')
    expect(await toBob.next()).toMatchObject({ event: { action: 'restore' } })
    key = await waitForEncryption(room)

    expect(key.id).not.toBe(previous.id)
    await expect.poll(() => frames.length).toBeGreaterThanOrEqual(1)
    for (const frame of frames)
      for (const secret of [room, key.key]) expect(frame).not.toContain(secret)
  })
})

describe('a large public room without bans', () => {
  it('publishes an update of an app once, and only members can decrypt it', async () => {
    const room = await app.createRoom(['alice', 'bob', ...crowd], 'public', { alice: 'owner' })
    const frames = await collectFrames('charlie')
    const keys = await app.listen(deliverRoomKey, { user: 'bob', room }, 'bob')
    const toBob = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')
    const text = `secret ${crypto.randomUUID()}`

    await publishUpdate(room, text)
    const key = (await keys.next()).roomKey as RoomKey
    expect(await toBob.next()).toMatchObject({ data: { text } })
    const answer = { keys: [{ room, ...key }] }
    expect(await app.call('room.keys', { rooms: [room] }, 'bob')).toEqual(answer)
    expect(await app.call('room.keys', { rooms: [room] }, 'charlie')).toEqual({ keys: [] })
    const encrypted = await app.listen(roomEncrypted, { key: key.id }, 'bob')
    await vi.waitFor(
      async () => {
        // A process that has cached the key as new publishes unencrypted updates to each member. Ten
        // updates are enough for each process to handle at least one of them.
        const before = encrypted.unread().length
        for (let update = 0; update < 10; update++) await publishUpdate(room, text)
        await expect.poll(() => encrypted.unread().length - before, { timeout: 2_000 }).toBe(10)
      },
      { timeout: 25_000, interval: 300 },
    )
    const before = toBob.unread().length
    await publishUpdate(room, text)

    const push = decryptPush(key, (await encrypted.next()).data)
    expect(push).toMatchObject({ appUpdated: { room, data: { text } } })
    expect(toBob.unread()).toHaveLength(before)
    expect(keys.unread()).toEqual([])
    await expect.poll(() => frames.length).toBeGreaterThanOrEqual(4)
    for (const frame of frames)
      for (const secret of [text, room, key.key]) expect(frame).not.toContain(secret)
  })
})

async function publishUpdate(room: RoomId, text: string) {
  const { nc } = await app.connectAs('functions')
  const subject = appUpdated.subject.replace('{app}', 'poll').replace('{room}', room)
  nc.publish(subject, JSON.stringify({ version: 1, data: { text } }))
  await nc.flush()
}

/** Collects all messages that the user may receive, except the replies to their own calls. */
async function collectFrames(user: 'bob' | 'charlie'): Promise<string[]> {
  const { nc } = await app.connectAs(user)
  const frames: string[] = []
  const topics = ['notify', 'typing', 'presence'].map((topic) => `room.${topic}.*`)
  for (const subject of [`deliver.${user}.>`, ...topics])
    nc.subscribe(subject, {
      callback(_error, message) {
        if (!message.subject.includes('.reply.') && !message.subject.includes('.send.'))
          frames.push(`${message.subject} ${message.string()}`)
      },
    })
  await nc.flush()
  return frames
}
