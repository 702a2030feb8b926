import { describe, expect, it } from 'vitest'
import { nextRejection, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { createCrowd, newUser, newUsers, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const crowd = createCrowd(app)

/** Who is there in a room, as one of its members sees it. */
async function look(room: string, as: string) {
  const { present } = await (await crowd.as(as)).call('presence.room', { room })
  return present as Record<string, string>
}

describe('presence.room', () => {
  it.each(['public', 'private'] as const)('shows who is there in a %s room', async (kind) => {
    const [online, away, gone, never] = [newUser(), newUser(), newUser(), newUser()]
    const elsewhere = newUser()
    const room = await crowd.givenRoom([online, away, gone, never], kind)
    await Promise.all([online, away, gone, elsewhere].map((user) => crowd.beat(user)))
    await crowd.update(away, 'away')
    await crowd.disconnect(gone)

    expect(await look(room, online)).toEqual({ [online]: 'online', [away]: 'away' })
    expect(await look(room, never)).toEqual({ [online]: 'online', [away]: 'away' })
  })

  it('shows in every process what has just changed in another', async () => {
    await startInstance()
    const [user, reader] = [newUser(), newUser()]
    const room = await crowd.givenRoom([user, reader])
    await crowd.beat(user)
    const changes = await crowd.hear(user)

    for (const status of ['away', 'busy', 'online'] as const) {
      await crowd.update(user, status)
      await changes.next()
      const seen = await Promise.all(Array.from({ length: 10 }, () => look(room, reader)))
      expect(seen).toEqual(Array.from({ length: 10 }, () => ({ [user]: status })))
    }
  })

  it('answers many who ask at once, in a room of two hundred', async () => {
    const users = newUsers(200)
    const room = await crowd.givenRoom(users)
    await Promise.all(users.map((user) => crowd.beat(user)))

    const seen = await Promise.all(users.map((user) => look(room, user)))

    for (const present of seen) expect(Object.keys(present)).toHaveLength(200)
  })

  it('refuses a stranger, and the same where there is no such room', async () => {
    const member = newUser()
    const [secret, open] = [
      await crowd.givenRoom([member], 'private'),
      await crowd.givenRoom([member]),
    ]
    const absent = `room-${crypto.randomUUID()}`
    const refusal = (room: string) =>
      app.call('presence.room', { room }, 'bob').catch((error) => error)

    const [hidden, shown, none] = [
      await refusal(secret),
      await refusal(open),
      await refusal(absent),
    ]

    expect(hidden).toMatchObject({ code: 'forbidden' })
    for (const [refused, room] of [
      [shown, open],
      [none, absent],
    ] as const) {
      expect(refused.code).toBe(hidden.code)
      expect(refused.message.replace(room, secret)).toBe(hidden.message)
    }
  })

  it('refuses whoever was removed, within a second', async () => {
    const user = newUser()
    const room = await crowd.givenRoom([user], 'private')
    await look(room, user)

    await crowd.take(room, user)

    expect(await nextRejection(() => look(room, user))).toBe('forbidden')
  })

  it('refuses to look for somebody else', async () => {
    const room = await crowd.givenRoom(['bob'], 'private')

    await expect(app.ask(`as.bob.presence.room.${room}`, '{}', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(badPayloads({}))('refuses %s', async (_name, payload) => {
    const room = await crowd.givenRoom(['alice'])

    const { status } = await app.ask(`as.alice.presence.room.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
