import { describe, expect, it } from 'vitest'
import type { UserId } from '#schema/ids'
import {
  expectSameRejection,
  newRoomId,
  newUserId,
  newUserIds,
  nextRejection,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { createPresenceFixture, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

async function readPresent(room: string, as: string) {
  const { present } = await (await app.clientFor(as)).call('presence.room', { room })
  return present as Record<string, string>
}

describe('presence.room', () => {
  it.each(['public', 'private'] as const)(
    'returns the users present in a %s room',
    async (kind) => {
      const [online, away, disconnected, neverOnline] = [
        newUserId(),
        newUserId(),
        newUserId(),
        newUserId(),
      ]
      const elsewhere = newUserId()
      const room = await app.createRoom([online, away, disconnected, neverOnline], kind)
      await Promise.all(
        [online, away, disconnected, elsewhere].map((user) => presence.heartbeat(user)),
      )
      await presence.update(away, 'away')
      await presence.disconnect(disconnected)

      expect(await readPresent(room, online)).toEqual({ [online]: 'online', [away]: 'away' })
      expect(await readPresent(room, neverOnline)).toEqual({ [online]: 'online', [away]: 'away' })
    },
  )

  it('returns users whose ids are names of JavaScript properties', async () => {
    const users = ['__proto__', 'constructor', 'prototype']
    const room = await app.createRoom(users)
    await Promise.all(users.map((user) => presence.heartbeat(user as UserId)))

    const present = await readPresent(room, 'constructor')

    expect(new Map(Object.entries(present))).toEqual(new Map(users.map((id) => [id, 'online'])))
  })

  it('returns a new status as soon as another process has published the change', async () => {
    await startInstance()
    const [user, reader] = [newUserId(), newUserId()]
    const room = await app.createRoom([user, reader])
    await presence.heartbeat(user)
    const changes = await presence.listenToUser(user)

    for (const status of ['away', 'busy', 'online'] as const) {
      await presence.update(user, status)
      await changes.next()
      const answers = await Promise.all(Array.from({ length: 10 }, () => readPresent(room, reader)))
      expect(answers).toEqual(Array.from({ length: 10 }, () => ({ [user]: status })))
    }
  })

  it('returns the statuses of 200 members to each of 200 concurrent callers', async () => {
    const users = newUserIds(200)
    const room = await app.createRoom(users)
    await Promise.all(users.map((user) => presence.heartbeat(user)))

    const answers = await Promise.all(users.map((user) => readPresent(room, user)))

    for (const present of answers) expect(Object.keys(present)).toHaveLength(200)
  })

  it('rejects a call by a non-member of a private room with the same error as for an unknown room', async () => {
    const hidden = await app.createRoom([newUserId()], 'private')

    await expectSameRejection((room) => app.call('presence.room', { room }, 'bob'), {
      hidden,
      absent: newRoomId(),
    })
  })

  it('returns the present members of a public room to a user who has not joined it', async () => {
    const member = newUserId()
    const room = await app.createRoom([member])
    await presence.heartbeat(member)

    const { present } = await app.call('presence.room', { room }, 'bob')
    expect(Object.keys(present)).toEqual([member])
  })

  it('rejects a removed member within one second, even if no event announced the removal', async () => {
    const user = newUserId()
    const room = await app.createRoom([user], 'private')
    await readPresent(room, user)

    await app.removeMember(room, user)

    expect(await nextRejection(() => readPresent(room, user))).toBe('forbidden')
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const room = await app.createRoom(['bob'], 'private')

    await expect(app.request(`as.bob.presence.room.${room}`, '{}', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'])

    const { status } = await app.request(`as.alice.presence.room.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
