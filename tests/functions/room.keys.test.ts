import { describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import { deliverNotify } from '#schema/messages/event'
import { useApp } from '../support/app.ts'

const app = useApp()

const crowd = Array.from({ length: 201 }, (_, index) => `crowd-${index}`)

describe('room.keys', () => {
  it('returns the encryption key of a large room to its members only', async () => {
    const room = await app.createRoom(['alice', 'bob', ...crowd], 'private', { alice: 'owner' })
    const small = await app.createRoom(['alice', 'bob'], 'private')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const rooms = [room, small, 'unknown' as RoomId]
    expect(await app.call('room.keys', { rooms }, 'bob')).toEqual({ keys: [] })

    await app.send(room, 'hello', 'alice')
    await app.send(small, 'hello', 'alice')

    const { roomKey } = await toBob.next()
    expect(roomKey).toBeDefined()
    const answer = { keys: [{ room, ...roomKey }] }
    expect(await app.call('room.keys', { rooms }, 'bob')).toEqual(answer)
    expect(await app.call('room.keys', { rooms: [small] }, 'bob')).toEqual({ keys: [] })
    expect(await app.call('room.keys', { rooms }, 'charlie')).toEqual({ keys: [] })
    expect(roomKey).not.toHaveProperty('announcedAt')
  })

  it.each(['leave', 'kick'] as const)(
    'returns a new key to the remaining members after a %s',
    async (action) => {
      const room = await app.createRoom(['alice', 'bob', ...crowd], 'private', { alice: 'owner' })
      const toAlice = await app.listen(deliverNotify, { user: 'alice', room }, 'alice')
      const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
      await app.send(room, 'with bob', 'alice')
      const { roomKey: before } = await toBob.next()

      if (action === 'leave') await app.call('room.leave', { room }, 'bob')
      else await app.call('room.kick', { room, userId: 'bob' }, 'alice')
      const { seq } = await app.send(room, 'without bob', 'alice')

      const [after] = (await toAlice.until((notice) => notice.seq === seq)).slice(-1)
      expect(after?.roomKey?.id).not.toBe(before?.id)
      expect(after?.roomKey?.key).not.toBe(before?.key)
      expect(await app.call('room.keys', { rooms: [room] }, 'alice')).toEqual({
        keys: [{ room, ...after?.roomKey }],
      })
      expect(await app.call('room.keys', { rooms: [room] }, 'bob')).toEqual({ keys: [] })
      const removal = await toBob.next()
      expect(removal).toMatchObject({ event: { action } })
      expect(removal).not.toHaveProperty('roomKey')
      expect(toBob.unread()).toEqual([])
    },
  )

  it('returns no key for an archived room, and a new key once the room is restored', async () => {
    const room = await app.createRoom(['alice', 'bob', ...crowd], 'private', { alice: 'owner' })
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    await app.send(room, 'before', 'alice')
    const { roomKey: before } = await toBob.next()

    await app.call('room.archive', { room }, 'alice')
    expect(await app.call('room.keys', { rooms: [room] }, 'alice')).toEqual({ keys: [] })
    await app.call('room.archive', { room, archived: false }, 'alice')
    const { seq } = await app.send(room, 'after', 'alice')

    const [after] = (await toBob.until((notice) => notice.seq === seq)).slice(-1)
    expect(after?.roomKey).toBeDefined()
    expect(after?.roomKey?.id).not.toBe(before?.id)
  })

  it('rejects a room id that is not valid, and more than 1,000 rooms', async () => {
    for (const rooms of [['=key'], Array.from({ length: 1_001 }, (_, index) => `room-${index}`)])
      await expect(
        app.call('room.keys', { rooms: rooms as RoomId[] }, 'bob'),
      ).rejects.toMatchObject({ code: 'invalid' })
  })
})
