import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { partitionOf } from '#runtime'
import { closeDb } from '#schema/db'
import { type RoomId, toNotifyId } from '#schema/ids'
import { roomNotify } from '#schema/messages/event'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { partitionOfKey } from '../../runtime/jetstream/partitions.ts'
import { type App, createApp, newClientId, newRoomId } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'

const count = 4

describe('a chat with 4 partitions of CHAT_MESSAGES and ROOMS_KV', { timeout: 120_000 }, () => {
  let servers: Servers
  let app: App

  beforeAll(async () => {
    servers = await startServers('pglite', { NATS_PARTITIONS: String(count), DEFAULT_ROOMS: '' })
    process.env.DATABASE_URL = servers.urls.databaseUrl
    app = createApp(servers.urls)
  })
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]()
    await closeDb()
    await servers?.[Symbol.asyncDispose]()
  })

  async function createRoomIn(partition: number): Promise<RoomId> {
    let room = newRoomId()
    while (partitionOfKey(room, count) !== partition) room = newRoomId()
    await app.call('room.create', { room, name: 'A room', kind: 'public' }, 'alice')
    await app.call('room.join', { room }, 'bob')
    return room
  }

  async function streams() {
    const { nc } = await app.connectAs('functions')
    return (await jetstreamManager(nc)).streams
  }

  async function textsOf(room: RoomId) {
    const { messages } = await app.call('chat.history', { room }, 'bob')
    return messages.map(({ text }) => text)
  }

  it('stores the events of each room in one stream, under the subject of the room', async () => {
    for (let partition = 0; partition < count; partition++) {
      const room = await createRoomIn(partition)
      const { id, seq } = await app.send(room, 'hello', 'alice')
      const reply = { room, threadId: id, clientId: newClientId(), text: 'a reply' }
      await app.call('send.thread', reply, 'bob')

      const stream = partition === 0 ? 'CHAT_MESSAGES' : `CHAT_MESSAGES_${partition}`
      const info = await (await streams()).info(stream, { subjects_filter: `chat.${room}.>` })
      const stored = await (await streams()).getMessage(stream, { seq })
      expect(partitionOf(seq)).toBe(partition)
      expect(stored?.subject).toBe(`chat.${room}`)
      expect(info.state.subjects).toEqual({ [`chat.${room}.thread.${id}`]: 1 })
    }
  })

  it('keeps order, history, edits and deletions of rooms in different partitions across a restart', async () => {
    const rooms = await Promise.all([createRoomIn(0), createRoomIn(2), createRoomIn(3)])
    const first = new Map<RoomId, Awaited<ReturnType<App['send']>>>()
    for (const room of rooms) {
      const pushes = await app.listen(roomNotify, { room }, 'bob')
      const sent = await app.send(room, 'first', 'alice')
      const next = await app.send(room, 'second', 'bob')
      await app.call('msg.edit', { notifyId: toNotifyId(sent), text: 'edited' }, 'alice')
      await app.call('msg.delete', { notifyId: toNotifyId(next) }, 'bob')
      const received = await pushes.until(({ kind }) => kind === 'delete')
      expect(received.slice(1).map(({ prev }) => prev)).toEqual(
        received.slice(0, -1).map(({ seq }) => seq),
      )
      first.set(room, sent)
    }

    await servers.runtime.restart()

    for (const room of rooms) {
      const sent = first.get(room)
      const since = sent?.seq ?? 0
      const third = await app.send(room, 'third', 'bob')
      await expect.poll(() => textsOf(room)).toEqual(['edited', '', 'third'])
      const synced = await app.call('chat.sync', { room, since }, 'bob')
      expect(synced.recovered && synced.events.map(({ event }) => event.kind)).toEqual([
        'edit',
        'delete',
        'message',
      ])
      expect(await app.call('chat.sync', { room, since: 0 }, 'bob')).toMatchObject({
        recovered: true,
      })
      expect(await app.call('msg.find', { room, id: third.id }, 'alice')).toEqual({
        seq: third.seq,
      })
      expect(await app.readLog(sent?.seq ?? 0)).not.toBeNull()
    }
  })

  it('makes room.list return the time of each room’s last event, because sequences of two partitions cannot be compared', async () => {
    const [higher, lower] = [await createRoomIn(3), await createRoomIn(1)]
    await app.send(higher, 'before', 'alice')
    await app.send(lower, 'after', 'alice')
    await app.waitForRows(lower, 1)
    await app.waitForRows(higher, 1)

    const { rooms } = await app.call('room.list', {}, 'bob')
    const [older, newer] = [higher, lower].map((room) => rooms.find(({ id }) => id === room))

    expect(older?.lastSeq).toBeGreaterThan(newer?.lastSeq ?? 0)
    expect(Date.parse(newer?.lastAt ?? '')).toBeGreaterThanOrEqual(Date.parse(older?.lastAt ?? ''))
  })

  it('deletes the second of two messages that a user sends with the same client id to rooms in different partitions', async () => {
    const [first, second] = [await createRoomIn(3), await createRoomIn(0)]
    const clientId = newClientId()
    await app.send(first, 'once', 'alice', clientId)
    await expect.poll(() => textsOf(first)).toEqual(['once'])

    const again = await app.send(second, 'twice', 'alice', clientId)

    await expect.poll(() => app.readLog(again.seq)).toBeNull()
    expect([await textsOf(first), await textsOf(second)]).toEqual([['once'], []])
  })

  it('rebuilds a lost partition of the member index', async () => {
    const room = await createRoomIn(2)
    await (await streams()).purge(`KV_${ROOMS_KV.bucket}_2`)

    await expect
      .poll(() => app.send(room, 'still a member', 'bob').catch(({ code }) => code), {
        timeout: 15_000,
      })
      .toMatchObject({ id: expect.any(String) })
  })

  it('recreates the lost consumer of one partition, and persists all events', async () => {
    const room = await createRoomIn(1)
    await app.send(room, 'before', 'alice')
    await app.waitForRows(room, 1)
    const { nc } = await app.connectAs('functions')
    await (await jetstreamManager(nc)).consumers.delete(`${CHAT_MESSAGES.stream}_1`, 'persist')

    await app.send(room, 'after', 'alice')

    await expect.poll(() => textsOf(room)).toEqual(['before', 'after'])
  })
})
