import { jetstream } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { natsConnectionId, repairMs } from '#schema/messages/presence'
import { PRESENCE_CONN } from '#schema/streams'
import { type TestPerson, useApp } from '../support/app.ts'
import { createPresenceFixture } from '../support/presence-fixture.ts'
import { fetchAccessToken } from '../support/tokens.ts'

const app = useApp()
const presence = createPresenceFixture(app)

interface Tab {
  nc: NatsConnection
  connId: string
}

/** Connects like a tab of the page, and returns once the lease lasts as long as the connection. */
async function openTab(user: TestPerson, name = 'a test'): Promise<Tab> {
  const { nats, issuer } = inject('servers')
  const token = await fetchAccessToken(issuer, user)
  const nc = await connect({ servers: nats, token, inboxPrefix: `_INBOX_${user}`, name })
  onTestFinished(() => nc.close())
  const { server_id, client_id } = nc.info ?? expect.fail('no info')
  const connId = natsConnectionId({ server: server_id, client: client_id })
  const client = createClient(nc, { contracts, user })
  await expect
    .poll(() => client.call('presence.heartbeat', { connId }), { timeout: 30_000, interval: 300 })
    .toMatchObject({ nextMs: repairMs })
  client.close()
  return { nc, connId }
}

async function publish(subject: string, data: object) {
  const { nc } = await app.connectAs('functions')
  await jetstream(nc).publish(subject, JSON.stringify(data))
}

/** Leads to a reconciliation at once. */
async function reconcile() {
  const bucket = await app.openBucket(PRESENCE_CONN)
  const entry = await bucket.get('=sweep')
  await bucket.put('=sweep', JSON.stringify({ ...entry?.json<object>(), reconcileAt: 0 }))
  await publish('tick.presence-sweep', {})
}

describe('connection.closed', () => {
  it('sets a user offline when their last connection is closed without presence.disconnect', async () => {
    const first = await openTab('alice')
    const second = await openTab('alice')
    const changes = await presence.listenToUser('alice')
    const key = `alice.${second.connId}`
    const revision = (await (await app.openBucket(PRESENCE_CONN)).get(key))?.revision

    await first.nc.close()
    await expect.poll(() => presence.readLeases('alice'), { timeout: 30_000 }).toEqual([key])
    expect(await presence.readStatus('alice')).toBe('online')
    // The lease of the other tab has not been written again.
    expect((await (await app.openBucket(PRESENCE_CONN)).get(key))?.revision).toBe(revision)
    await second.nc.close()

    expect(await changes.next()).toMatchObject({ action: 'offline' })
  })

  it('keeps a user online who connects again soon', async () => {
    const before = await openTab('bob')
    await presence.update('bob', 'away')
    await before.nc.close()
    const after = await openTab('bob')

    await expect
      .poll(() => presence.readLeases('bob'), { timeout: 30_000 })
      .toEqual([`bob.${after.connId}`])
    expect(await presence.readStatus('bob')).toBe('away')
  })

  it('opens no lease for a heartbeat that arrives after the end of its connection', async () => {
    const { nc, connId } = await openTab('charlie')
    const changes = await presence.listenToUser('charlie')
    await presence.disconnect('charlie', connId)
    await changes.until(({ action }) => action === 'offline')
    await nc.close()
    const bucket = await app.openBucket(PRESENCE_CONN)
    const state = async () => (await bucket.get(`charlie.${connId}`))?.json()
    await expect.poll(state).toEqual({ state: 'closed' })

    await presence.heartbeat('charlie', connId)

    expect(await state()).toEqual({ state: 'closed' })
  })

  it('gives a lease without heartbeats only to connections of servers that exist', async () => {
    const connId = natsConnectionId({ server: `N${'A'.repeat(55)}`, client: 7 })

    const { nextMs } = await presence.heartbeat('bob', connId)

    expect(nextMs).toBe(10_000)
    await presence.disconnect('bob', connId)
  })
})

describe('presence.sweep', () => {
  it('ends the lease of a connection whose end was not reported', async () => {
    const { connId } = await openTab('charlie')
    const claimed = connId.replace(/\d+$/, '999999')
    await presence.heartbeat('claimer', claimed)
    const changes = await presence.listenToUser('claimer')

    await reconcile()

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    expect(await presence.readLeases('claimer')).toEqual([])
    expect(await presence.readLeases('charlie')).toContain(`charlie.${connId}`)
  })

  it('restores the lost lease of a page, which stays online meanwhile', async () => {
    const { connId } = await openTab('alice', 'natter-web')
    const changes = await presence.listenToUser('alice')
    await (await app.openBucket(PRESENCE_CONN)).purge(`alice.${connId}`)

    await reconcile()

    await expect
      .poll(() => presence.readLeases('alice'), { timeout: 30_000 })
      .toContain(`alice.${connId}`)
    expect(await presence.readStatus('alice')).toBe('online')
    expect(changes.unread().filter(({ action }) => action === 'offline')).toEqual([])
  })

  it('ends the leases of a server that no longer responds', async () => {
    const server = `N${'B'.repeat(55)}`
    const bucket = await app.openBucket(PRESENCE_CONN)
    await bucket.put(`bob.${server}-1`, JSON.stringify({ state: 'open' }))
    await presence.heartbeat('bob')
    await presence.disconnect('bob')
    const state = (await bucket.get('=sweep'))?.json<{ servers: object }>()
    const servers = { ...state?.servers, [server]: Date.now() - 26_000 }
    await bucket.put('=sweep', JSON.stringify({ ...state, servers }))
    expect(await presence.readStatus('bob')).not.toBe('offline')

    await publish('tick.presence-sweep', {})

    await expect.poll(() => presence.readStatus('bob'), { timeout: 30_000 }).toBe('offline')
    expect(await presence.readLeases('bob')).toEqual([])
  })
})
