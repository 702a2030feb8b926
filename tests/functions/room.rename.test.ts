import { describe, expect, it } from 'vitest'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { expectSameRejection, newRoomId, type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

function rename(room: string, name: string, as: TestPerson) {
  return app.call('room.rename', { room, name }, as)
}

describe('room.rename', () => {
  it('changes the name of a room, and keeps its id', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })

    expect(await rename(room, '  Café ☕ ', 'alice')).toEqual({})

    const named = { id: room, name: 'Café ☕' }
    expect(await app.call('room.info', { room }, 'bob')).toMatchObject({ room: named })
    const { rooms } = await app.call('room.list', {}, 'bob')
    expect(rooms).toContainEqual(expect.objectContaining(named))
  })

  it('publishes and stores a rename event', async () => {
    const secret = await app.createRoom(['alice', 'bob'], 'private', { alice: 'moderator' })
    const open = await app.createRoom(['alice'], 'public', { alice: 'owner' })
    const toBob = await app.listen(deliverNotify, { user: 'bob', room: secret }, 'bob')
    const toAll = await app.listen(roomNotify, { room: open }, 'bob')

    await rename(secret, 'Cellar', 'alice')
    await rename(open, 'Attic', 'alice')

    const event = { kind: 'room', action: 'rename', by: 'alice' }
    expect(await toBob.next()).toMatchObject({ event: { ...event, name: 'Cellar' } })
    expect(await toAll.next()).toMatchObject({ event: { ...event, name: 'Attic' } })
    expect(await app.readEvents(secret)).toMatchObject([{ ...event, name: 'Cellar' }])
  })

  it('stores one event when a room is renamed twice to the same name', async () => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

    await rename(room, 'Cellar', 'alice')
    await rename(room, 'Cellar ', 'alice')

    expect(await app.readEvents(room)).toHaveLength(1)
  })

  it.each(['member', 'guest'] as const)('rejects a call by a %s as forbidden', async (bob) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner', bob })

    await expect(rename(room, 'Mine', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.readEvents(room)).toEqual([])
  })

  it('rejects renaming a direct room as forbidden', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'direct', { alice: 'owner' })

    await expect(rename(room, 'Us', 'alice')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects calls by non-members and a banned owner with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner', bob: 'owner' })
    await app.call('room.kick', { room, userId: 'bob' }, 'alice')
    const absent = newRoomId()

    for (const as of ['bob', 'charlie'] as const) {
      await expectSameRejection((id) => rename(id, 'Mine', as), { hidden: room, absent })
    }
    expect(await app.call('room.info', { room }, 'alice')).toMatchObject({
      room: { name: 'A room' },
    })
  })

  it('does not rename an archived room', async () => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })
    await app.call('room.archive', { room }, 'alice')

    await rename(room, 'Other', 'alice').catch(() => undefined)
    await app.call('room.archive', { room, archived: false }, 'alice')

    expect(await app.call('room.info', { room }, 'alice')).toMatchObject({
      room: { name: 'A room' },
    })
  })

  it.each([
    ['an empty name', ''],
    ['a name of spaces', '   '],
    ['a name of 81 characters', 'x'.repeat(81)],
    ['a name with a line break', 'a\nb'],
    ['a name with a NUL', 'a\0b'],
    ['a name with a bidirectional override', 'a\u202eb'],
    ['a lone surrogate', 'a\ud800'],
  ])('rejects %s as invalid', async (_name, name) => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

    const answer = await app.request(
      `as.alice.room.rename.${room}`,
      JSON.stringify({ name }),
      'alice',
    )

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each(badPayloads({ name: 'Cellar' }))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

    const { status } = await app.request(`as.alice.room.rename.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
    expect(await app.readEvents(room)).toEqual([])
  })
})
