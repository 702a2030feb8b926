import { beforeAll, describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { deliverNotify } from '#schema/messages/event'
import { roomChanged } from '#schema/messages/member'
import { users } from '#schema/tables/user'
import { newRoomId, newUserId, nextRejection, type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const invite = (room: string, userId: string, as: TestPerson, role?: 'guest') =>
  app.call('room.invite', { room, userId, ...(role ? { role } : {}) }, as)

beforeAll(() => app.createUsers('alice', 'bob', 'charlie'))

describe('room.invite', () => {
  it('adds a member, who receives the event and can send messages', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await invite(room, 'bob', 'alice')

    expect(await toBob.next()).toMatchObject({
      kind: 'member',
      event: { action: 'join', userId: 'bob', role: 'member', by: 'alice' },
    })
    await app.send(room, 'thanks', 'bob')
  })

  it('sets the read position of the new member to the last message', async () => {
    const room = await app.createRoom(['alice'], 'private')
    for (const text of ['1', '2']) await app.send(room, text, 'alice')
    const rows = await app.waitForRows(room, 2)

    await invite(room, 'bob', 'alice')
    await app.send(room, 'welcome, @bob', 'alice')
    await app.waitForRows(room, 3)

    const { rooms } = await app.call('room.list', {}, 'bob')
    expect(rooms.find(({ id }) => id === room)).toMatchObject({
      readSeq: rows.at(-1)?.seq,
      unread: 1,
      mentions: 1,
    })
  })

  it('adds a guest, who can read but not send', async () => {
    const room = await app.createRoom(['alice'], 'private')

    await invite(room, 'bob', 'alice', 'guest')

    await expect(app.call('chat.sync', { room, since: 0 }, 'bob')).resolves.toBeDefined()
    await expect(app.send(room, 'hm', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('publishes room.changed and stores the event once for repeated calls', async () => {
    const another = newUserId()
    await db.insert(users).values({ id: another, name: another })
    const room = await app.createRoom(['alice'], 'private')
    const changes = await app.listen(roomChanged, { room }, 'functions')

    expect(await invite(room, 'bob', 'alice')).toEqual({})
    expect(await invite(room, 'bob', 'alice')).toEqual({})
    await invite(room, another, 'alice')

    expect(await changes.next()).toEqual({ room, action: 'join', userId: 'bob' })
    expect(await changes.next()).toEqual({ room, action: 'join', userId: another })
    expect(await app.readEvents(room)).toHaveLength(2)
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

  it('keeps the role of an existing member', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { bob: 'moderator' })

    await invite(room, 'bob', 'alice')

    expect(await app.readEvents(room)).toEqual([])
    await expect(app.call('room.kick', { room, userId: 'alice' }, 'bob')).resolves.toEqual({})
  })

  it('lets the owner, but not a member, invite a banned user again', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'public', { alice: 'owner' })
    await app.call('room.kick', { room, userId: 'charlie' }, 'alice')

    await expect(invite(room, 'charlie', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    await invite(room, 'charlie', 'alice')

    await expect(app.call('room.join', { room }, 'charlie')).resolves.toBeDefined()
  })

  it('lifts the ban for good: the user may leave and join again', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    await app.call('room.kick', { room, userId: 'bob' }, 'alice')
    await invite(room, 'bob', 'alice')
    await app.call('room.leave', { room }, 'bob')

    await expect(app.call('room.join', { room }, 'bob')).resolves.toBeDefined()
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

  it('rejects an invitation of an unknown user with the same error as room.direct', async () => {
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

  it('does not reveal to callers who may not invite whether a user exists', async () => {
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
