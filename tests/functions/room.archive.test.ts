import { describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { roomChanged } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'
import { expectSameRejection, newRoomId, type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

function archive(room: string, as: TestPerson) {
  return app.call('room.archive', { room }, as)
}

function restore(room: string, as: TestPerson) {
  return app.call('room.archive', { room, archived: false }, as)
}

async function readKeys(room: RoomId): Promise<string[]> {
  const keys: string[] = []
  const index = await app.openBucket(ROOMS_KV)
  for await (const key of await index.keys([room, `${room}.*`])) keys.push(key)
  return keys.sort()
}

describe('room.archive', () => {
  it.each(['public', 'private'] as const)(
    'makes a %s room unavailable to its owner, members and other users',
    async (kind) => {
      const room = await app.createRoom(['alice', 'bob'], kind, { alice: 'owner' })
      const changes = await app.listen(roomChanged, { room }, 'functions')

      expect(await archive(room, 'alice')).toEqual({})

      expect(await changes.next()).toEqual({ room, action: 'archive' })
      expect(await readKeys(room)).toEqual([])
      for (const as of ['alice', 'bob', 'charlie'] as const)
        for (const name of ['room.info', 'room.join', 'room.leave'] as const)
          await expect(app.call(name, { room }, as)).rejects.toMatchObject({ code: 'forbidden' })
      const { rooms } = await app.call('room.list', {}, 'bob')
      expect(rooms.map(({ id }) => id)).not.toContain(room)
      expect(await app.readEvents(room)).toMatchObject([
        { kind: 'room', action: 'archive', by: 'alice' },
      ])
    },
  )

  it.each(['public', 'private'] as const)(
    'notifies the members of a %s room, and no other user, when it is archived or restored',
    async (kind) => {
      const room = await app.createRoom(['alice', 'bob'], kind, { alice: 'owner' })
      const [toBob, toCharlie] = [
        await app.listen(deliverNotify, { user: 'bob', room }, 'bob'),
        await app.listen(deliverNotify, { user: 'charlie', room }, 'charlie'),
      ]

      await archive(room, 'alice')
      const archived = await toBob.next()
      await restore(room, 'alice')
      const restored = await toBob.next()

      expect(archived).toMatchObject({
        prev: 0,
        event: { kind: 'room', action: 'archive', by: 'alice' },
      })
      expect(restored).toMatchObject({
        prev: archived.seq,
        event: { kind: 'room', action: 'restore', by: 'alice' },
      })
      expect(toCharlie.unread()).toEqual([])
    },
  )

  it('publishes one broadcast when a large public room is archived, and no second copy to each member', async () => {
    const crowd = Array.from({ length: 201 }, (_, index) => `crowd-${index}`)
    const room = await app.createRoom(['alice', 'bob', ...crowd], 'public', { alice: 'owner' })
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const toAll = await app.listen(roomNotify, { room }, 'bob')

    await archive(room, 'alice')
    expect(await toAll.next()).toMatchObject({ event: { kind: 'room', action: 'archive' } })
    await restore(room, 'alice')

    expect(await toBob.next()).toMatchObject({ event: { kind: 'room', action: 'restore' } })
    expect([...toBob.unread(), ...toAll.unread()]).toEqual([])
  })

  it('restores a room with its members and their roles', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'private', {
      alice: 'owner',
      bob: 'guest',
    })
    const before = await readKeys(room)
    const changes = await app.listen(roomChanged, { room }, 'functions')
    const { seq } = await app.send(room, 'before', 'alice')

    await archive(room, 'alice')
    await restore(room, 'alice')

    expect(await readKeys(room)).toEqual(before)
    expect(await changes.until(({ action }) => action === 'restore')).toHaveLength(2)
    await expect(app.send(room, 'hm', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    const synced = await app.call('chat.sync', { room, since: seq - 1 }, 'bob')
    expect(synced).toMatchObject({
      events: [{ seq }, { event: { action: 'archive' } }, { event: { action: 'restore' } }],
    })
    const toCharlie = await app.listen(deliverNotify, { user: 'charlie', room }, 'charlie')
    await app.send(room, 'after', 'alice')
    expect(await toCharlie.next()).toMatchObject({ event: { text: 'after' } })
  })

  it('keeps a banned user out after the room was restored', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    await app.call('room.kick', { room, userId: 'bob' }, 'alice')

    await archive(room, 'alice')
    await restore(room, 'alice')

    const live = await (await app.openBucket(ROOMS_KV)).get(room)
    expect(live?.json()).toEqual({ kind: 'public', closed: true })
    await expect(app.call('room.join', { room }, 'bob')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('stores one event when a room is archived or restored twice', async () => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

    for (const act of [restore, archive, archive, restore, restore]) await act(room, 'alice')

    expect(await app.readEvents(room)).toMatchObject([{ action: 'archive' }, { action: 'restore' }])
  })

  it('adds missing entries to the member index when it is called to restore a room that is not archived', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const before = await readKeys(room)
    const index = await app.openBucket(ROOMS_KV)
    await Promise.all([index.delete(room), index.delete(`${room}.bob`)])

    await restore(room, 'alice')

    expect(await readKeys(room)).toEqual(before)
  })

  it('keeps the id of an archived room reserved, so that room.create rejects it', async () => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })
    await archive(room, 'alice')
    const input = { room, name: 'Mine', kind: 'public' } as const

    await expect(app.call('room.create', input, 'bob')).rejects.toMatchObject({ code: 'conflict' })
  })

  it.each(['moderator', 'member', 'guest'] as const)(
    'rejects archiving and restoring by a %s as forbidden',
    async (bob) => {
      const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner', bob })

      await expect(archive(room, 'bob')).rejects.toMatchObject({ code: 'forbidden' })
      await archive(room, 'alice')
      await expect(restore(room, 'bob')).rejects.toMatchObject({ code: 'forbidden' })

      expect(await app.readEvents(room)).toHaveLength(1)
    },
  )

  it('rejects archiving a direct room as forbidden', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'direct', { alice: 'owner' })

    await expect(archive(room, 'alice')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects calls by non-members and a former owner with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner', bob: 'owner' })
    await app.call('room.leave', { room }, 'bob')
    const absent = newRoomId()

    for (const act of [archive, restore]) {
      for (const as of ['bob', 'charlie'] as const) {
        await expectSameRejection((id) => act(id, as), { hidden: room, absent })
      }
      await archive(room, 'alice')
    }
  })

  it.each(badPayloads({ archived: true }).filter(([name]) => name !== 'true as archived'))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

      const { status } = await app.request(`as.alice.room.archive.${room}`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
      expect(await app.readEvents(room)).toEqual([])
    },
  )
})
