import { beforeAll, describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { deliverNotify } from '#schema/messages/event'
import { deliverInvitation, roomChanged } from '#schema/messages/member'
import { users } from '#schema/tables/user'
import { newRoomId, newUserId, nextRejection, type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const invite = (room: string, userId: string, as: TestPerson, role?: 'guest') =>
  app.call('room.invite', { room, userId, ...(role ? { role } : {}) }, as)

beforeAll(() => app.createUsers('alice', 'bob', 'charlie'))

describe('room.invite', () => {
  it('adds the invited user only when they accept with room.join', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const changes = await app.listen(roomChanged, { room }, 'functions')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    expect(await invite(room, 'bob', 'alice')).toEqual({})

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
    const { rooms } = await app.call('room.list', {}, 'bob')
    expect(rooms.map(({ id }) => id)).not.toContain(room)
    for (const call of [
      () => app.call('chat.sync', { room, since: 0 }, 'bob'),
      () => app.send(room, 'too early', 'bob'),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.readEvents(room)).toEqual([])

    await app.call('room.join', { room }, 'bob')

    expect(await changes.next()).toEqual({ room, action: 'join', userId: 'bob' })
    expect(await toBob.next()).toMatchObject({
      kind: 'member',
      event: { action: 'join', userId: 'bob', role: 'member', by: 'bob' },
    })
    await app.send(room, 'thanks', 'bob')
  })

  it.each(['public', 'private'] as const)(
    'invites a user who has left a %s room, instead of adding them at once',
    async (kind) => {
      const room = await app.createRoom(['alice', 'bob'], kind)
      await app.call('room.leave', { room }, 'bob')

      await invite(room, 'bob', 'alice')

      expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
    },
  )

  it('publishes one event to the invited user for repeated invitations', async () => {
    const room = await app.createRoom(['alice', 'charlie'], 'private')
    const other = await app.createRoom(['alice'], 'private')
    const toBob = await app.listen(deliverInvitation, { user: 'bob' }, 'bob')

    for (const as of ['alice', 'alice'] as const) await invite(room, 'bob', as)
    await invite(other, 'bob', 'alice')

    const received = await toBob.until((invitation) => invitation.room === other)
    expect(received.filter((invitation) => invitation.room === room)).toHaveLength(1)
  })

  it('shows the room, but not its members, to the invited user', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const readInfo = () => app.call('room.info', { room }, 'bob')
    await expect(readInfo()).rejects.toMatchObject({ code: 'forbidden' })

    await invite(room, 'bob', 'alice')

    expect(await readInfo()).toMatchObject({ room: { id: room }, count: 1, members: [] })
  })

  it('drops an invitation by a user whom the invited user has blocked, but returns the usual answer', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const blocker = newUserId()
    await db.insert(users).values({ id: blocker, name: blocker })
    const client = await app.clientFor(blocker)
    await client.call('user.block', { userId: 'alice' })

    expect(await invite(room, blocker, 'alice')).toEqual({})

    expect(await client.call('room.invitations', {})).toEqual({ invitations: [] })
    await expect(client.call('room.join', { room })).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('sets the read position of an invited user to the last message when they join', async () => {
    const room = await app.createRoom(['alice'], 'private')
    for (const text of ['1', '2']) await app.send(room, text, 'alice')
    const rows = await app.waitForRows(room, 2)

    await app.inviteAndJoin(room, 'bob', 'alice')
    await app.send(room, 'welcome, @bob', 'alice')
    await app.waitForRows(room, 3)

    const { rooms } = await app.call('room.list', {}, 'bob')
    expect(rooms.find(({ id }) => id === room)).toMatchObject({
      readSeq: rows.at(-1)?.seq,
      unread: 1,
      mentions: 1,
    })
  })

  it('invites a user as a guest, who can read but not send after joining', async () => {
    const room = await app.createRoom(['alice'], 'private')

    await invite(room, 'bob', 'alice', 'guest')
    await app.call('room.join', { room }, 'bob')

    await expect(app.call('chat.sync', { room, since: 0 }, 'bob')).resolves.toBeDefined()
    await expect(app.send(room, 'hm', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('makes repeated calls of room.join store one event', async () => {
    const room = await app.createRoom(['alice'], 'private')
    await invite(room, 'bob', 'alice')

    for (let time = 0; time < 2; time++) await app.call('room.join', { room }, 'bob')

    expect(await app.readEvents(room)).toHaveLength(1)
  })

  it('rejects an invitation to a direct room as forbidden', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'direct')

    await expect(invite(room, 'charlie', 'alice')).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.readEvents(room)).toEqual([])
  })

  it('rejects an invitation by a member who left', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    await app.call('room.leave', { room }, 'bob')

    expect(await nextRejection(() => invite(room, 'charlie', 'bob'))).toBe('forbidden')
  })

  it('has no effect on a user who is already a member, and keeps their role', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { bob: 'moderator' })

    await invite(room, 'bob', 'alice')

    expect(await app.readEvents(room)).toEqual([])
    await expect(app.call('room.kick', { room, userId: 'alice' }, 'bob')).resolves.toEqual({})
  })

  it('rejects an invitation by a guest, and one by a non-member with the same message as for an unknown room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { bob: 'guest' })
    const absent = newRoomId()

    await expect(invite(room, 'charlie', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    const other = await app.createRoom(['alice'], 'private')
    const [onHidden, onAbsent] = await Promise.all(
      [other, absent].map((id) => invite(id, 'bob', 'bob').catch((error) => error)),
    )
    expect(onHidden).toMatchObject({ code: 'forbidden' })
    expect(onAbsent.message.replace(absent, other)).toBe(onHidden.message)
  })

  it('rejects an invitation for an unknown user, with the same error as room.direct', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const unknownUser = newUserId()

    const rejection = await invite(room, unknownUser, 'alice').catch((error) => error)
    const direct = await app
      .call('room.direct', { with: unknownUser }, 'alice')
      .catch((error) => error)

    expect(rejection).toMatchObject({ code: 'forbidden' })
    expect(rejection.message).toContain(unknownUser)
    expect([direct.code, direct.message]).toEqual([rejection.code, rejection.message])
    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
  })

  it('rejects callers without the right to invite, with the same error whether or not the invited user exists', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { bob: 'guest' })
    const messagesFor = async (as: TestPerson) =>
      Promise.all(
        ['charlie', newUserId()].map((userId) =>
          invite(room, userId, as).catch((error) => error.message),
        ),
      )

    for (const as of ['bob', 'charlie'] as const) {
      const [known, unknown] = await messagesFor(as)
      expect(unknown).toBe(known)
    }
  })

  it.each(['a.b', 'A', '', '*', '>', 'x'.repeat(65)])(
    'rejects "%s", which is not a user id, as invalid',
    async (userId) => {
      const room = await app.createRoom(['alice'])

      await expect(invite(room, userId, 'alice')).rejects.toMatchObject({ code: 'invalid' })
    },
  )

  it.each(badPayloads({ userId: 'bob' }))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'])

    const { status } = await app.request(`as.alice.room.invite.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
