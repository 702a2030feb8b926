import { beforeAll, describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { deliverNotify } from '#schema/messages/event'
import { roomChanged } from '#schema/messages/room'
import { users } from '#schema/tables/user'
import { newUserId, nextRejection, type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const invite = (room: string, userId: string, as: TestPerson, role?: 'guest') =>
  app.call('room.invite', { room, userId, ...(role ? { role } : {}) }, as)

beforeAll(() => app.createUsers('alice', 'bob', 'charlie'))

describe('room.invite', () => {
  it('makes a member of somebody, who is told and can speak', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await invite(room, 'bob', 'alice')

    expect(await toBob.next()).toMatchObject({
      kind: 'member',
      event: { action: 'join', userId: 'bob', role: 'member', by: 'alice' },
    })
    await app.send(room, 'thanks', 'bob')
  })

  it('has them begin with what is said from then on', async () => {
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

  it('makes a guest, who reads and does not speak', async () => {
    const room = await app.createRoom(['alice'], 'private')

    await invite(room, 'bob', 'alice', 'guest')

    await expect(app.call('chat.sync', { room, since: 0 }, 'bob')).resolves.toBeDefined()
    await expect(app.send(room, 'hm', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('tells the functions who has come to belong to it, once', async () => {
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

  it('refuses in a room of two', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'direct')

    await expect(invite(room, 'charlie', 'alice')).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.readEvents(room)).toEqual([])
  })

  it('refuses whoever went', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    await app.call('room.leave', { room }, 'bob')

    expect(await nextRejection(() => invite(room, 'charlie', 'bob'))).toBe('forbidden')
  })

  it('changes nothing for who is there already', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { bob: 'moderator' })

    await invite(room, 'bob', 'alice')

    expect(await app.readEvents(room)).toEqual([])
    await expect(app.call('room.kick', { room, userId: 'alice' }, 'bob')).resolves.toEqual({})
  })

  it('lets in again whoever was kicked, if a moderator says so', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'public', { alice: 'owner' })
    await app.call('room.kick', { room, userId: 'charlie' }, 'alice')

    await expect(invite(room, 'charlie', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    await invite(room, 'charlie', 'alice')

    await expect(app.call('room.join', { room }, 'charlie')).resolves.toBeDefined()
  })

  it('refuses guests, strangers and rooms of which there are none', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { bob: 'guest' })
    const absent = `room-${crypto.randomUUID()}`

    await expect(invite(room, 'charlie', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    const other = await app.createRoom(['alice'], 'private')
    const [there, notThere] = await Promise.all(
      [other, absent].map((id) => invite(id, 'bob', 'bob').catch((error) => error)),
    )
    expect(there).toMatchObject({ code: 'forbidden' })
    expect(notThere.message.replace(absent, other)).toBe(there.message)
  })

  it('refuses whoever has never been here, as room.direct does', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const nobody = newUserId()

    const refusal = await invite(room, nobody, 'alice').catch((error) => error)
    const direct = await app.call('room.direct', { with: nobody }, 'alice').catch((error) => error)

    expect(refusal).toMatchObject({ code: 'forbidden' })
    expect(refusal.message).toContain(nobody)
    expect([direct.code, direct.message]).toEqual([refusal.code, refusal.message])
    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
  })

  it('says nothing of who has been here to whoever may not invite', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { bob: 'guest' })
    const refusals = async (as: TestPerson) =>
      Promise.all(
        ['charlie', newUserId()].map((userId) =>
          invite(room, userId, as).catch((it) => it.message),
        ),
      )

    for (const as of ['bob', 'charlie'] as const) {
      const [known, unknown] = await refusals(as)
      expect(unknown).toBe(known)
    }
  })

  it.each(['a.b', 'A', '', '*', '>', 'x'.repeat(65)])(
    'refuses "%s", which is no user',
    async (userId) => {
      const room = await app.createRoom(['alice'])

      await expect(invite(room, userId, 'alice')).rejects.toMatchObject({ code: 'invalid' })
    },
  )

  it.each(badPayloads({ userId: 'bob' }))('refuses %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'])

    const { status } = await app.request(`as.alice.room.invite.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
