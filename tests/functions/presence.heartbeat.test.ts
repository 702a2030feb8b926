import { describe, expect, it } from 'vitest'
import { deliverPresence, roomPresence } from '#schema/messages/presence'
import { newUserId, newUserIds, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { changesUntil, createPresenceFixture } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

const isOf =
  (user: string) =>
  ({ userId }: { userId: string }) =>
    userId === user

describe('presence.heartbeat', () => {
  it('brings a person online, and answers so', async () => {
    const user = newUserId()

    expect(await presence.heartbeat(user)).toEqual({ status: 'online' })
    expect(await presence.readStatus(user)).toBe('online')
  })

  it('answers a person who logs in like any other', async () => {
    const answer = await app.call('presence.heartbeat', { connId: crypto.randomUUID() }, 'charlie')

    expect(answer).toEqual({ status: 'online' })
  })

  it('tells the rooms of a person once, however often and from however many tabs', async () => {
    const [user, last] = [newUserId(), newUserId()]
    const room = await app.createRoom([user, last])
    const told = await app.listen(roomPresence, { room }, 'functions')

    for (const connId of ['a', 'a', 'b', 'c', 'a']) await presence.heartbeat(user, connId)
    expect(await changesUntil(told, user)).toEqual([
      { action: 'online', userId: user, status: 'online' },
    ])
    await presence.heartbeat(user, 'd')
    await presence.heartbeat(last)

    expect(await changesUntil(told, last)).toEqual([
      { action: 'online', userId: last, status: 'online' },
    ])
  })

  it('leaves somebody who is away or busy as they are, in every tab', async () => {
    const user = newUserId()
    await presence.heartbeat(user)

    for (const status of ['away', 'busy'] as const) {
      await presence.update(user, status)
      expect(await presence.heartbeat(user)).toEqual({ status })
      expect(await presence.heartbeat(user, `another-${status}`)).toEqual({ status })
    }
    expect(await presence.readStatus(user)).toBe('busy')
  })

  it('brings back online who had gone', async () => {
    const user = newUserId()
    const changes = await presence.listenToUser(user)
    await presence.heartbeat(user)
    await presence.disconnect(user)

    expect(await presence.heartbeat(user)).toEqual({ status: 'online' })

    const heard = [await changes.next(), await changes.next(), await changes.next()]
    expect(heard.map(({ action }) => action)).toEqual(['online', 'offline', 'online'])
    expect(heard.map(({ at }) => at)).toEqual(heard.map(({ at }) => at).toSorted())
    expect(new Set(heard.map(({ at }) => at)).size).toBe(3)
  })

  it('brings somebody online once, when fifty tabs say so at once', async () => {
    const user = newUserId()
    const changes = await presence.listenToUser(user)

    await Promise.all(
      Array.from({ length: 50 }, (_, tab) => presence.heartbeat(user, `tab-${tab}`)),
    )
    await presence.update(user, 'away')

    expect((await changes.until(({ status }) => status === 'away')).map((it) => it.action)).toEqual(
      ['online', 'status'],
    )
  })

  it('tells a room of two hundred people who come at once in a few messages', async () => {
    const users = newUserIds(200)
    const last = newUserId()
    const room = await app.createRoom([...users, last])
    const told = await app.listen(roomPresence, { room }, 'functions')

    await Promise.all(users.map((user) => presence.heartbeat(user)))
    const pushes: number[] = []
    const online = new Set<string>()
    while (online.size < users.length) {
      const { changes } = await told.next()
      pushes.push(changes.length)
      for (const { userId } of changes) online.add(userId)
    }
    await presence.heartbeat(last)

    expect(await changesUntil(told, last)).toHaveLength(1)
    expect(pushes.reduce((sum, count) => sum + count)).toBe(users.length)
    expect(pushes.length).toBeLessThanOrEqual(20)
  })

  it('tells those members of a private room who are there, and no stranger', async () => {
    const user = newUserId()
    const secret = await app.createRoom(['alice', user], 'private')
    const open = await app.createRoom([user])
    await app.call('presence.heartbeat', { connId: crypto.randomUUID() }, 'alice')
    const toAlice = await app.listen(deliverPresence, { user: 'alice', room: secret }, 'alice')
    const toCharlie = await app.listen(deliverPresence, { user: 'charlie' }, 'charlie')
    const toAll = await app.listen(roomPresence, {}, 'charlie')

    await presence.heartbeat(user)

    const change = { action: 'online', userId: user, status: 'online' }
    const heardByAlice = await toAlice.until(({ changes }) => changes.some(isOf(user)))
    expect(heardByAlice.at(-1)).toEqual({
      room: secret,
      user: 'alice',
      changes: expect.arrayContaining([change]),
    })
    const heardByAll = await toAll.until(({ room }) => room === open)
    expect(heardByAll.map(({ room }) => room)).not.toContain(secret)

    const shared = await app.createRoom(['charlie', user], 'private')
    await app.call('presence.heartbeat', { connId: crypto.randomUUID() }, 'charlie')
    await presence.update(user, 'away')
    const heardByCharlie = await toCharlie.until(({ room }) => room === shared)
    expect(heardByCharlie.map(({ room }) => room)).not.toContain(secret)
  })

  it('tells nobody who is offline', async () => {
    const [user, offline, there] = [newUserId(), newUserId(), newUserId()]
    const room = await app.createRoom([user, offline, there], 'private')
    await presence.heartbeat(there)
    const told = await app.listen(deliverPresence, { room }, 'functions')

    await presence.heartbeat(user)

    const heard = await told.until(({ user: to }) => to === user)
    expect(heard.map(({ user: to }) => to)).not.toContain(offline)
  })

  it('refuses to beat for somebody else', async () => {
    const payload = JSON.stringify({ connId: 'tab' })

    await expect(app.request('as.bob.presence.heartbeat', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['', 'a.b', 'a b', '*', '>', 'x'.repeat(65), 'ä'])(
    'refuses %j, which is no id of a connection',
    async (connId) => {
      await expect(app.call('presence.heartbeat', { connId }, 'alice')).rejects.toMatchObject({
        code: 'invalid',
      })
    },
  )

  it.each(badPayloads({ connId: 'tab' }))('refuses %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.presence.heartbeat', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
