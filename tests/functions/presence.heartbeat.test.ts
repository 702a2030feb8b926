import { describe, expect, it } from 'vitest'
import { deliverPresence, roomPresence } from '#schema/messages/presence'
import { newUserId, newUserIds, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { changesUntil, createPresenceFixture } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

const isAbout =
  (user: string) =>
  ({ userId }: { userId: string }) =>
    userId === user

describe('presence.heartbeat', () => {
  it('sets a user online, and returns the status', async () => {
    const user = newUserId()

    expect(await presence.heartbeat(user)).toEqual({ status: 'online', nextMs: 10_000 })
    expect(await presence.readStatus(user)).toBe('online')
  })

  it('accepts a heartbeat of a user whose token has no role', async () => {
    const answer = await app.call('presence.heartbeat', { connId: crypto.randomUUID() }, 'charlie')

    expect(answer).toMatchObject({ status: 'online' })
  })

  it('publishes one event for repeated heartbeats of several connections of a user', async () => {
    const [user, last] = [newUserId(), newUserId()]
    const room = await app.createRoom([user, last])
    const broadcasts = await app.listen(roomPresence, { room }, 'functions')

    for (const connId of ['a', 'a', 'b', 'c', 'a']) await presence.heartbeat(user, connId)
    expect(await changesUntil(broadcasts, user)).toEqual([
      { action: 'online', userId: user, status: 'online' },
    ])
    await presence.heartbeat(user, 'd')
    await presence.heartbeat(last)

    expect(await changesUntil(broadcasts, last)).toEqual([
      { action: 'online', userId: last, status: 'online' },
    ])
  })

  it('keeps the status away or busy, whichever connection of the user sends the heartbeat', async () => {
    const user = newUserId()
    await presence.heartbeat(user)

    for (const status of ['away', 'busy'] as const) {
      await presence.update(user, status)
      expect(await presence.heartbeat(user)).toMatchObject({ status })
      expect(await presence.heartbeat(user, `another-${status}`)).toMatchObject({ status })
    }
    expect(await presence.readStatus(user)).toBe('busy')
  })

  it('sets a user online again when a heartbeat follows a disconnect', async () => {
    const user = newUserId()
    const changes = await presence.listenToUser(user)
    await presence.heartbeat(user)
    await presence.disconnect(user)

    expect(await presence.heartbeat(user)).toMatchObject({ status: 'online' })

    const received = [await changes.next(), await changes.next(), await changes.next()]
    expect(received.map(({ action }) => action)).toEqual(['online', 'offline', 'online'])
    expect(received.map(({ at }) => at)).toEqual(received.map(({ at }) => at).toSorted())
    expect(new Set(received.map(({ at }) => at)).size).toBe(3)
  })

  it('publishes one online event for fifty concurrent connections of a user', async () => {
    const user = newUserId()
    const changes = await presence.listenToUser(user)

    await Promise.all(
      Array.from({ length: 50 }, (_, tab) => presence.heartbeat(user, `tab-${tab}`)),
    )
    await presence.update(user, 'away')

    expect(
      (await changes.until(({ status }) => status === 'away')).map((change) => change.action),
    ).toEqual(['online', 'status'])
  })

  it('publishes at most 20 broadcasts when 200 users come online at the same time', async () => {
    const users = newUserIds(200)
    const last = newUserId()
    const room = await app.createRoom([...users, last])
    const broadcasts = await app.listen(roomPresence, { room }, 'functions')

    await Promise.all(users.map((user) => presence.heartbeat(user)))
    const pushes: number[] = []
    const online = new Set<string>()
    while (online.size < users.length) {
      const { changes } = await broadcasts.next()
      pushes.push(changes.length)
      for (const { userId } of changes) online.add(userId)
    }
    await presence.heartbeat(last)

    expect(await changesUntil(broadcasts, last)).toHaveLength(1)
    expect(pushes.reduce((sum, count) => sum + count)).toBe(users.length)
    expect(pushes.length).toBeLessThanOrEqual(20)
  })

  it('publishes a change of presence in a private room to its online members only', async () => {
    const user = newUserId()
    const secret = await app.createRoom(['alice', user], 'private')
    const open = await app.createRoom([user])
    await app.call('presence.heartbeat', { connId: crypto.randomUUID() }, 'alice')
    const toAlice = await app.listen(deliverPresence, { user: 'alice', room: secret }, 'alice')
    const toCharlie = await app.listen(deliverPresence, { user: 'charlie' }, 'charlie')
    const multicast = await app.listen(roomPresence, {}, 'charlie')

    await presence.heartbeat(user)

    const change = { action: 'online', userId: user, status: 'online' }
    const alicesBroadcasts = await toAlice.until(({ changes }) => changes.some(isAbout(user)))
    expect(alicesBroadcasts.at(-1)).toEqual({
      room: secret,
      user: 'alice',
      changes: expect.arrayContaining([change]),
    })
    const multicastBroadcasts = await multicast.until(({ room }) => room === open)
    expect(multicastBroadcasts.map(({ room }) => room)).not.toContain(secret)

    const shared = await app.createRoom(['charlie', user], 'private')
    await app.call('presence.heartbeat', { connId: crypto.randomUUID() }, 'charlie')
    await presence.update(user, 'away')
    const charliesBroadcasts = await toCharlie.until(({ room }) => room === shared)
    expect(charliesBroadcasts.map(({ room }) => room)).not.toContain(secret)
  })

  it('publishes nothing to offline members of a private room', async () => {
    const [user, offline, onlineMember] = [newUserId(), newUserId(), newUserId()]
    const room = await app.createRoom([user, offline, onlineMember], 'private')
    await presence.heartbeat(onlineMember)
    const broadcasts = await app.listen(deliverPresence, { room }, 'functions')

    await presence.heartbeat(user)

    const received = await broadcasts.until(({ user: recipient }) => recipient === user)
    expect(received.map(({ user: recipient }) => recipient)).not.toContain(offline)
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const payload = JSON.stringify({ connId: 'tab' })

    await expect(app.request('as.bob.presence.heartbeat', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['', 'a.b', 'a b', '*', '>', 'x'.repeat(81), 'ä'])(
    'rejects %j, which is not a connection id, as invalid',
    async (connId) => {
      await expect(app.call('presence.heartbeat', { connId }, 'alice')).rejects.toMatchObject({
        code: 'invalid',
      })
    },
  )

  it.each(badPayloads({ connId: 'tab' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.presence.heartbeat', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
