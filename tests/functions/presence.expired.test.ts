import { jetstreamManager } from '@nats-io/jetstream'
import { describe, expect, it } from 'vitest'
import { roomPresence } from '#schema/messages/presence'
import { PRESENCE_CONN } from '#schema/streams'
import { newUserId, useApp } from '../support/app.ts'
import { changesUntil, createPresenceFixture, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

describe('presence.expired', () => {
  it('sets a user offline when the lease of their last connection expires, and publishes the change once to their room', async () => {
    await startInstance()
    const [user, last] = [newUserId(), newUserId()]
    const room = await app.createRoom([user, last])
    await presence.heartbeat(user)
    const broadcasts = await app.listen(roomPresence, { room }, 'functions')
    const changes = await presence.listenToUser(user)

    await presence.expireLease(user)

    expect(await changes.next()).toMatchObject({ action: 'offline', status: 'offline' })
    const offline = { action: 'offline', userId: user, status: 'offline' }
    await broadcasts.until(({ changes }) => changes.some(({ action }) => action === 'offline'))
    await presence.heartbeat(last)
    expect(await changesUntil(broadcasts, last)).not.toContainEqual(offline)
    expect(await presence.readStatus(user)).toBe('offline')
  })

  it('keeps the status of a user when the lease of one connection expires, but another connection is alive', async () => {
    const user = newUserId()
    await presence.heartbeat(user, 'alive')
    await presence.heartbeat(user, 'dead')
    await presence.update(user, 'busy')
    const changes = await presence.listenToUser(user)

    await presence.expireLease(user, 'dead')
    await expect
      .poll(() => presence.readLeases(user), { timeout: 5_000 })
      .toEqual([`${user}.alive`])
    expect(await presence.readStatus(user)).toBe('busy')
    await presence.expireLease(user, 'alive')

    expect(await changes.next()).toMatchObject({ action: 'offline' })
  })

  it('publishes one offline event when all leases of a user expire at once', async () => {
    await startInstance()
    const user = newUserId()
    const tabs = Array.from({ length: 20 }, (_, index) => `tab-${index}`)
    for (const tab of tabs) await presence.heartbeat(user, tab)
    const changes = await presence.listenToUser(user)

    await Promise.all(tabs.map((tab) => presence.expireLease(user, tab)))

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    await presence.heartbeat(user)
    expect(await changes.next()).toMatchObject({ action: 'online' })
  })

  it('keeps a user online who sends a heartbeat before the lease expires', async () => {
    const [user, expiring] = [newUserId(), newUserId()]
    await presence.heartbeat(user)
    await presence.heartbeat(expiring)
    const changes = await presence.listenToUser(expiring)

    await presence.expireLease(user)
    await presence.heartbeat(user)
    await presence.expireLease(expiring)

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    expect(await presence.readStatus(user)).toBe('online')
    expect(await presence.readLeases(user)).toEqual([`${user}.tab`])
  })

  it('watches a bucket in which leases expire after 45 seconds and leave delete markers, which trigger the function', async () => {
    const { nc } = await app.connectAs('functions')
    const user = newUserId()
    await presence.heartbeat(user)

    const streams = await jetstreamManager(nc)
    const { config } = await streams.streams.info(`KV_${PRESENCE_CONN.bucket}`)
    const lease = { last_by_subj: `$KV.${PRESENCE_CONN.bucket}.${user}.tab` }
    const stored = await streams.direct.getMessage(`KV_${PRESENCE_CONN.bucket}`, lease)
    expect(stored?.header.get('Nats-TTL')).toBe('45s')
    expect(config.subject_delete_marker_ttl).toBeGreaterThan(0)
  })

  it('leaves a user online whose heartbeat arrives right after they were set offline', async () => {
    const users = Array.from({ length: 10 }, newUserId)
    await Promise.all(users.map((user) => presence.heartbeat(user)))
    const changes = await Promise.all(users.map((user) => presence.listenToUser(user)))
    await Promise.all(users.map((user) => presence.expireLease(user)))

    await Promise.all(
      users.map(async (user, index) => {
        await changes[index]?.until(({ action }) => action === 'offline')
        await presence.heartbeat(user, 'again')
      }),
    )

    for (const user of users) expect(await presence.readStatus(user)).toBe('online')
  })
})
