import { describe, expect, it } from 'vitest'
import { deliverNotify } from '#schema/messages/event'
import { roomChanged } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'
import { expectSameRejection, newRoomId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const leave = (room: string, as: 'alice' | 'bob' | 'charlie') =>
  app.call('room.leave', { room }, as)

describe('room.leave', () => {
  it('removes the membership from the database and the member index, and stores a leave event', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const changes = await app.listen(roomChanged, { room }, 'functions')

    await leave(room, 'bob')

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
    const live = await (await app.openBucket(ROOMS_KV)).get(`${room}.bob`)
    expect(live?.operation).toBe('DEL')
    expect(await changes.next()).toEqual({ room, action: 'leave', userId: 'bob' })
    expect(await app.readEvents(room)).toMatchObject([
      { kind: 'member', action: 'leave', userId: 'bob', by: 'bob' },
    ])
  })

  it('publishes the leave event to the former member and to the remaining members', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const toAlice = await app.listen(deliverNotify, { user: 'alice', room }, 'alice')

    await leave(room, 'bob')

    const expected = { kind: 'member', event: { action: 'leave', userId: 'bob' } }
    expect(await toBob.next()).toMatchObject(expected)
    expect(await toAlice.next()).toMatchObject(expected)
  })

  it('lets a former member join a public room again', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    await leave(room, 'bob')

    await app.call('room.join', { room }, 'bob')

    await app.send(room, 'back again', 'bob')
  })

  it('rejects a call by the last owner as a conflict while the room has other members', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })

    await expect(leave(room, 'alice')).rejects.toMatchObject({ code: 'conflict' })
    await leave(room, 'bob')
    await leave(room, 'alice')

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: [] })
  })

  it('rejects a call by a former member with the same message as for an unknown room', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const absent = newRoomId()
    await leave(room, 'bob')

    await expectSameRejection((id) => leave(id, 'bob'), { hidden: room, absent })
    expect(await app.readEvents(room)).toHaveLength(1)
  })

  it('rejects leaving a direct room as forbidden', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'direct')

    await expect(leave(room, 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    expect((await app.call('room.members', { room }, 'functions')).members).toContain('bob')
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'])

    const { status } = await app.request(`as.alice.room.leave.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
