import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { natsConnectionId, pageConnectionName, repairMs } from '#schema/messages/presence'
import { PRESENCE_CONN } from '#schema/streams'
import { newUserId, type TestPerson, useApp } from '../support/app.ts'
import { createPresenceFixture } from '../support/presence-fixture.ts'
import { fetchAccessToken } from '../support/tokens.ts'

const app = useApp()
const presence = createPresenceFixture(app)

let lastClient = 1_000_000

/** Returns the ids of a connection that does not exist on nats-server. */
async function newConnection() {
  const { nc } = await app.connectAs('functions')
  const server = nc.info?.server_id ?? expect.fail('the server has no id')
  const client = lastClient++
  return { server, client, connId: natsConnectionId({ server, client }) }
}

/**
 * Repeats the heartbeat until it opens a presence lease that lasts as long as the connection. Until
 * `presence.sweep` has run once, the runtime does not know this nats-server, and opens leases that
 * expire.
 */
async function openLease(user: string, connId: string) {
  await expect
    .poll(() => presence.heartbeat(user, connId), { timeout: 30_000, interval: 300 })
    .toMatchObject({ nextMs: repairMs })
}

async function connectAs(user: TestPerson, name: string) {
  const { nats, issuer } = inject('servers')
  const token = await fetchAccessToken(issuer, user)
  const nc = await connect({ servers: nats, token, inboxPrefix: `_INBOX_${user}`, name })
  onTestFinished(() => nc.close())
  const { server_id: server, client_id: client } = nc.info ?? expect.fail('no info')
  return { nc, key: `${user}.${natsConnectionId({ server, client })}` }
}

async function readLease(key: string) {
  const { nc } = await app.connectAs('functions')
  const manager = await jetstreamManager(nc)
  const query = { last_by_subj: `$KV.${PRESENCE_CONN.bucket}.${key}` }
  const stored = await manager.direct.getMessage(`KV_${PRESENCE_CONN.bucket}`, query)
  if (!stored || stored.data.length === 0) return undefined
  const { state } = stored.json<{ state: string }>()
  return { state, ttl: stored.header.get('Nats-TTL'), seq: stored.seq }
}

async function publish(subject: string, data: object) {
  const { nc } = await app.connectAs('functions')
  await jetstream(nc).publish(subject, JSON.stringify(data))
}

function reportClosed(user: string, { server, client }: { server: string; client: number }) {
  return {
    because: (reason: string) =>
      publish('connection.closed', {
        server: { id: server },
        client: { user, id: client },
        reason,
      }),
  }
}

/** Replaces some fields in the stored state of presence.sweep, and starts a sweep. */
async function sweepWith(change: (servers: object) => object) {
  const bucket = await app.openBucket(PRESENCE_CONN)
  const state = (await bucket.get('=sweep'))?.json<{ servers: object }>()
  await bucket.put('=sweep', JSON.stringify({ ...state, ...change(state?.servers ?? {}) }))
  await publish('tick.presence-sweep', {})
}

describe('connection.closed', () => {
  it('ends only the presence lease of the closed connection, even if its client did not call presence.disconnect', async () => {
    const [first, second] = [await connectAs('alice', 'first'), await connectAs('alice', 'second')]
    for (const { key } of [first, second]) await openLease('alice', key.replace('alice.', ''))
    const before = await readLease(second.key)
    expect(before).toMatchObject({ state: 'open', ttl: '' })

    await first.nc.close()

    await expect
      .poll(() => readLease(first.key), { timeout: 30_000 })
      .toMatchObject({ state: 'closing', ttl: '10s' })
    expect(await readLease(second.key)).toEqual(before)
  })

  it('sets a user offline whose connection nats-server closed as stale', async () => {
    const [user, connection] = [newUserId(), await newConnection()]
    await openLease(user, connection.connId)
    const changes = await presence.listenToUser(user)

    await reportClosed(user, connection).because('Stale Connection')

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    expect(await presence.readLeases(user)).toEqual([])
  })

  it('keeps the status of a user who connects again within ten seconds', async () => {
    const user = newUserId()
    const [before, after] = [await newConnection(), await newConnection()]
    await openLease(user, before.connId)
    await presence.update(user, 'away')

    await reportClosed(user, before).because('Client Closed')
    await expect
      .poll(() => readLease(`${user}.${before.connId}`), { timeout: 30_000 })
      .toMatchObject({ state: 'closing', ttl: '10s' })
    await presence.heartbeat(user, after.connId)
    await presence.expireLease(user, before.connId)

    await expect
      .poll(() => presence.readLeases(user), { timeout: 30_000 })
      .toEqual([`${user}.${after.connId}`])
    expect(await presence.readStatus(user)).toBe('away')
  })

  it('does not let a late heartbeat of the closed connection open a presence lease', async () => {
    const [user, connection] = [newUserId(), await newConnection()]
    const key = `${user}.${connection.connId}`
    await openLease(user, connection.connId)
    await presence.disconnect(user, connection.connId)
    expect(await presence.readStatus(user)).toBe('offline')
    await reportClosed(user, connection).because('Client Closed')
    await expect.poll(() => readLease(key), { timeout: 30_000 }).toMatchObject({ state: 'closed' })

    await presence.heartbeat(user, connection.connId)

    expect(await readLease(key)).toMatchObject({ state: 'closed', ttl: '60s' })
  })

  it('is not needed to end the presence lease of a connection to a server that presence.sweep does not know: without heartbeats, the lease expires', async () => {
    const [user, server] = [newUserId(), `N${'A'.repeat(55)}`]

    const { nextMs } = await presence.heartbeat(user, natsConnectionId({ server, client: 7 }))

    expect(nextMs).toBe(10_000)
    expect(await readLease(`${user}.${server}-7`)).toMatchObject({ state: 'beating', ttl: '45s' })
  })
})

describe('presence.sweep', () => {
  it('ends the presence lease of a closed connection even if no event connection.closed arrived', async () => {
    const [user, { connId }] = [newUserId(), await newConnection()]
    const charlie = await connectAs('charlie', 'connected')
    await openLease('charlie', charlie.key.replace('charlie.', ''))
    await openLease(user, connId)
    const changes = await presence.listenToUser(user)

    await sweepWith(() => ({ reconcileAt: 0 }))

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    expect(await presence.readLeases(user)).toEqual([])
    expect(await readLease(charlie.key)).toMatchObject({ state: 'open' })
  })

  it('restores the lost presence lease of an open page, and does not set its user offline', async () => {
    const page = await connectAs('alice', pageConnectionName)
    await openLease('alice', page.key.replace('alice.', ''))
    await (await app.openBucket(PRESENCE_CONN)).purge(page.key)

    await sweepWith(() => ({ reconcileAt: 0 }))

    await expect
      .poll(() => readLease(page.key), { timeout: 30_000 })
      .toMatchObject({ state: 'open' })
    expect(await presence.readStatus('alice')).not.toBe('offline')
  })

  it('ends the presence leases of connections to a nats-server that no longer responds', async () => {
    const [user, server] = [newUserId(), `N${'B'.repeat(55)}`]
    const bucket = await app.openBucket(PRESENCE_CONN)
    await presence.heartbeat(user)
    await bucket.put(`${user}.${server}-1`, JSON.stringify({ state: 'open' }))
    await presence.disconnect(user)
    expect(await presence.readStatus(user)).toBe('online')
    const changes = await presence.listenToUser(user)

    await sweepWith((servers) => ({ servers: { ...servers, [server]: Date.now() - 26_000 } }))

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    expect(await presence.readLeases(user)).toEqual([])
  })
})
