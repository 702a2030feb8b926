import { describe, expect, it } from 'vitest'
import { roomPresence } from '#schema/messages/presence'
import { newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { changesUntil, createPresenceFixture, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

describe('presence.disconnect', () => {
  it('sets a user offline when their last connection closes, and publishes the change once to their room', async () => {
    const [user, last] = [newUserId(), newUserId()]
    const room = await app.createRoom([user, last])
    await presence.heartbeat(user)
    const broadcasts = await app.listen(roomPresence, { room }, 'functions')

    expect(await presence.disconnect(user)).toEqual({})
    const offline = { action: 'offline', userId: user, status: 'offline' }
    expect((await changesUntil(broadcasts, user)).at(-1)).toEqual(offline)
    await presence.disconnect(user)
    await presence.heartbeat(last)

    expect(await changesUntil(broadcasts, last)).toHaveLength(1)
    expect(await presence.readStatus(user)).toBe('offline')
    expect(await presence.readLeases(user)).toEqual([])
  })

  it('keeps the status while another connection is open', async () => {
    const user = newUserId()
    await presence.heartbeat(user, 'one')
    await presence.heartbeat(user, 'two')
    await presence.update(user, 'away')
    const changes = await presence.listenToUser(user)

    await presence.disconnect(user, 'one')
    expect(await presence.readStatus(user)).toBe('away')
    await presence.disconnect(user, 'two')

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    expect(await presence.readStatus(user)).toBe('offline')
  })

  it('ignores the disconnect of an unknown connection', async () => {
    const [user, stranger] = [newUserId(), newUserId()]
    await presence.heartbeat(user)

    expect(await presence.disconnect(user, 'unknown')).toEqual({})
    expect(await presence.disconnect(stranger)).toEqual({})

    expect(await presence.readStatus(user)).toBe('online')
    expect(await presence.readStatus(stranger)).toBeUndefined()
  })

  it('keeps a user online who reconnects while the old connection closes in another process', async () => {
    await startInstance()
    const users = Array.from({ length: 20 }, newUserId)

    await Promise.all(
      users.map(async (user) => {
        await presence.heartbeat(user, 'old')
        await Promise.all([presence.disconnect(user, 'old'), presence.heartbeat(user, 'new')])
      }),
    )

    for (const user of users) expect(await presence.readStatus(user)).toBe('online')
  })

  it('publishes one offline event when all connections close concurrently in several processes', async () => {
    await startInstance()
    const user = newUserId()
    const tabs = Array.from({ length: 30 }, (_, index) => `tab-${index}`)
    for (const tab of tabs) await presence.heartbeat(user, tab)
    const changes = await presence.listenToUser(user)

    await Promise.all(tabs.map((tab) => presence.disconnect(user, tab)))
    await presence.heartbeat(user)

    const received = await changes.until(({ action }) => action === 'online')
    expect(received.map(({ action }) => action)).toEqual(['offline', 'online'])
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const payload = JSON.stringify({ connId: 'tab' })

    await expect(app.request('as.bob.presence.disconnect', payload, 'alice')).rejects.toMatchObject(
      {
        code: 'forbidden',
      },
    )
  })

  it.each(badPayloads({ connId: 'tab' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.presence.disconnect', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
