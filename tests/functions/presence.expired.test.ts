import { Kvm } from '@nats-io/kv'
import { describe, expect, it } from 'vitest'
import { roomPresence } from '#schema/messages/presence'
import { PRESENCE_CONN } from '#schema/streams'
import { useApp } from '../support/app.ts'
import { changesUntil, createCrowd, newUser, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const crowd = createCrowd(app)

describe('presence.expired', () => {
  it('makes a person offline whose tab ends without a word, and tells their rooms once', async () => {
    await startInstance()
    const [user, last] = [newUser(), newUser()]
    const room = await crowd.givenRoom([user, last])
    await crowd.beat(user)
    const told = await app.listen(roomPresence, { room }, 'functions')
    const changes = await crowd.hear(user)

    await crowd.stopBeating(user)

    expect(await changes.next()).toMatchObject({ action: 'offline', status: 'offline' })
    const offline = { action: 'offline', userId: user, status: 'offline' }
    await told.until(({ changes }) => changes.some(({ action }) => action === 'offline'))
    await crowd.beat(last)
    expect(await changesUntil(told, last)).not.toContainEqual(offline)
    expect(await crowd.statusOf(user)).toBe('offline')
  })

  it('leaves a person as they are while another tab is alive', async () => {
    const user = newUser()
    await crowd.beat(user, 'alive')
    await crowd.beat(user, 'dead')
    await crowd.update(user, 'busy')
    const changes = await crowd.hear(user)

    await crowd.stopBeating(user, 'dead')
    await expect.poll(() => crowd.leasesOf(user), { timeout: 5_000 }).toEqual([`${user}.alive`])
    expect(await crowd.statusOf(user)).toBe('busy')
    await crowd.stopBeating(user, 'alive')

    expect(await changes.next()).toMatchObject({ action: 'offline' })
  })

  it('tells once, when all tabs of a person end at once', async () => {
    await startInstance()
    const user = newUser()
    const tabs = Array.from({ length: 20 }, (_, at) => `tab-${at}`)
    for (const tab of tabs) await crowd.beat(user, tab)
    const changes = await crowd.hear(user)

    await Promise.all(tabs.map((tab) => crowd.stopBeating(user, tab)))

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    await crowd.beat(user)
    expect(await changes.next()).toMatchObject({ action: 'online' })
  })

  it('makes nobody offline who beats in time', async () => {
    const [user, stops] = [newUser(), newUser()]
    await crowd.beat(user)
    await crowd.beat(stops)
    const changes = await crowd.hear(stops)

    await crowd.stopBeating(user)
    await crowd.beat(user)
    await crowd.stopBeating(stops)

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    expect(await crowd.statusOf(user)).toBe('online')
    expect(await crowd.leasesOf(user)).toEqual([`${user}.tab`])
  })

  it('has a lease of forty-five seconds, the end of which can be seen', async () => {
    const { nc } = await app.connectAs('functions')
    const bucket = await new Kvm(nc).open(PRESENCE_CONN.bucket)

    const { ttl, streamInfo } = await bucket.status()
    expect(ttl).toBe(45_000)
    expect(streamInfo.config.subject_delete_marker_ttl).toBeGreaterThan(0)
  })

  it('lets a heartbeat win that comes as the lease ends', async () => {
    const users = Array.from({ length: 10 }, newUser)
    await Promise.all(users.map((user) => crowd.beat(user)))
    const changes = await Promise.all(users.map((user) => crowd.hear(user)))
    await Promise.all(users.map((user) => crowd.stopBeating(user)))

    // Each hears of their end, and is back at that very moment.
    await Promise.all(
      users.map(async (user, at) => {
        await changes[at]?.until(({ action }) => action === 'offline')
        await crowd.beat(user, 'again')
      }),
    )

    for (const user of users) expect(await crowd.statusOf(user)).toBe('online')
  })
})
