import { beforeAll, describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import { roomChanged } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'
import { newRoomId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

beforeAll(() => app.createUsers('bob'))

describe('room.create', () => {
  it('creates a room that its owner can use immediately', async () => {
    const id = newRoomId()

    const { room } = await app.call(
      'room.create',
      { room: id, name: '  Café ☕ ', kind: 'private' },
      'alice',
    )

    expect(room).toEqual({ id, name: 'Café ☕', kind: 'private' })
    await app.send(id, 'here I am', 'alice')
    const index = await app.openBucket(ROOMS_KV)
    expect((await index.get(`${id}.alice`))?.json()).toEqual({ kind: 'private', role: 'owner' })
    expect(await app.readEvents(id)).toMatchObject([
      { kind: 'room', action: 'create', name: 'Café ☕', by: 'alice' },
      { kind: 'member', action: 'join', userId: 'alice', role: 'owner' },
      { kind: 'message', text: 'here I am' },
    ])
  })

  it('creates one room for repeated and concurrent calls, and returns the same answer to each', async () => {
    const input = { room: newRoomId(), name: 'Mine', kind: 'public' } as const
    const create = () => app.call('room.create', input, 'alice')

    const first = await create()
    const answers = await Promise.all([create(), create(), create()])

    for (const answer of answers) expect(answer).toEqual(first)
    expect((await app.readEvents(input.room)).map(({ kind }) => kind)).toEqual(['room', 'member'])
  })

  it('restores missing entries of the member index when the owner repeats the call', async () => {
    const input = { room: newRoomId(), name: 'Mine', kind: 'private' } as const
    await app.call('room.create', input, 'alice')
    const index = await app.openBucket(ROOMS_KV)
    for (const key of [input.room, `${input.room}.alice`]) await index.delete(key)

    await app.call('room.create', input, 'alice')

    expect((await index.get(input.room))?.json()).toEqual({ kind: 'private', closed: false })
    expect((await index.get(`${input.room}.alice`))?.json()).toMatchObject({ role: 'owner' })
  })

  it('rejects as a conflict a repeated call with another name or kind, by another user, or for an archived room', async () => {
    const input = { room: newRoomId(), name: 'Mine', kind: 'public' } as const
    await app.call('room.create', input, 'alice')
    const rejection = { code: 'conflict' }

    for (const other of [{ name: 'Ours' }, { kind: 'private' as const }])
      await expect(app.call('room.create', { ...input, ...other }, 'alice')).rejects.toMatchObject(
        rejection,
      )
    await app.inviteAndJoin(input.room, 'bob', 'alice')
    await expect(app.call('room.create', input, 'bob')).rejects.toMatchObject(rejection)
    await app.call('room.archive', { room: input.room }, 'alice')
    await expect(app.call('room.create', input, 'alice')).rejects.toMatchObject(rejection)
  })

  it.each(['secret', 'project-x', 'plans-2026', 'plans-_abcdefgh'])(
    'rejects the id %s for a private room, because such an id can be guessed',
    async (room) => {
      const input = { room: room as RoomId, name: 'Mine', kind: 'private' } as const

      await expect(app.call('room.create', input, 'alice')).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining(room),
      })
    },
  )

  it('publishes the event room.changed with the id of the owner', async () => {
    const room = newRoomId()
    const changes = await app.listen(roomChanged, { room }, 'functions')

    await app.call('room.create', { room, name: 'Mine', kind: 'private' }, 'alice')

    expect(await changes.next()).toEqual({ room, action: 'join', userId: 'alice' })
  })

  it('rejects an id in use as a conflict, even when the room is hidden from the caller', async () => {
    const secret = await app.createRoom(['alice'], 'private')
    const create = (room: string) =>
      app.call('room.create', { room, name: 'Mine', kind: 'public' }, 'bob').catch((error) => error)

    for (const id of [secret, 'general', `dm-${'0'.repeat(40)}`]) {
      const rejection = await create(id)
      expect(rejection).toMatchObject({ code: 'conflict' })
      expect(rejection.message).toContain(id)
    }
  })

  it('creates one room when two users call concurrently with the same id', async () => {
    const id = newRoomId()
    const create = (as: 'alice' | 'bob') =>
      app.call('room.create', { room: id, name: 'Mine', kind: 'public' }, as).then(
        () => as,
        () => undefined,
      )

    const creators = await Promise.all([create('alice'), create('bob')])

    const [owner] = creators.filter((as) => as)
    expect(creators.filter((as) => as)).toHaveLength(1)
    expect(await app.call('room.members', { room: id }, 'functions')).toEqual({ members: [owner] })
  })

  it('rejects as forbidden a call by a user whose token has no role', async () => {
    const input = { room: newRoomId(), name: 'Mine', kind: 'public' } as const

    await expect(app.call('room.create', input, 'charlie')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each([
    ['an empty name', { name: '' }],
    ['a name of spaces', { name: '   ' }],
    ['a name of 81 characters', { name: 'x'.repeat(81) }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a name with a bidirectional override', { name: 'a\u202eb' }],
    ['a lone surrogate', { name: 'a\ud800' }],
    ['a direct room', { kind: 'direct' }],
    ['capital letters in the id', { room: 'Room' }],
    ['a dot in the id', { room: 'a.b' }],
    ['an empty id', { room: '' }],
  ])('rejects %s as invalid', async (_name, wrong) => {
    const input = { room: newRoomId(), name: 'A room', kind: 'public', ...wrong }

    const answer = await app.request('as.alice.room.create', JSON.stringify(input), 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each(badPayloads({ room: 'a-room', name: 'A room', kind: 'public' }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.room.create', payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
