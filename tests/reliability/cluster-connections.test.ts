import { Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { createClient } from '#runtime/client'
import { natsConnectionId, presenceChanged, repairMs } from '#schema/messages/presence'
import { PRESENCE_CONN } from '#schema/streams'
import { freePort } from '../../stack/ports.ts'
import { type Cluster, type ClusterUser, startCluster } from '../support/cluster.ts'
import { subjectOf } from '../support/token-issuer.ts'

/**
 * Five times the 5 s within which a logout closes the connections. A long wait hides no fault: in
 * this test, nothing but a logout closes connections.
 */
const maxMs = 25_000

let cluster: Cluster
let webhookPort: number

beforeAll(async () => {
  webhookPort = await freePort()
  cluster = await startCluster()
  await cluster.startRuntime('runtime', { WEBHOOK_PORT: String(webhookPort) })
  await cluster.startRuntime('runtime-2')
}, 180_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

const closes = (nc: NatsConnection) =>
  Promise.race([
    nc.closed().then(() => 'closed'),
    new Promise((resolve) => setTimeout(resolve, maxMs, 'open')),
  ])

it('a logout closes the connections of its session on all servers, and no server accepts the token', async () => {
  const name = `user-${crypto.randomUUID()}`
  const { tokenIssuer, servers } = cluster
  const iat = Math.floor(Date.now() / 1_000) - 60
  const claims = { preferred_username: name, iat }
  const token = await tokenIssuer.token({ ...claims, sid: name })
  const otherToken = await tokenIssuer.token({ ...claims, sid: `other ${name}` })
  const openWith = async (token: string, { url }: { url: string }) => {
    const nc = await connect({ servers: url, token, reconnect: false })
    onTestFinished(() => nc.close())
    return nc
  }
  const open = (server: { url: string }) => openWith(token, server)
  // With three logins for each server, both runtimes serve some of them.
  const all = [...servers, ...servers, ...servers]
  const connections = await Promise.all(all.map(open))
  const others = await Promise.all(all.map((server) => openWith(otherToken, server)))
  const logout_token = await tokenIssuer.token(
    {
      aud: 'nats-chat-app',
      typ: 'Logout',
      sub: subjectOf(name),
      sid: name,
      jti: crypto.randomUUID(),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    },
    { typ: 'logout+jwt' },
  )

  const response = await fetch(`http://127.0.0.1:${webhookPort}/oidc/backchannel-logout`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token }),
  })

  expect([response.status, await response.json()]).toEqual([200, {}])
  expect(new Set(await Promise.all(connections.map(closes)))).toEqual(new Set(['closed']))
  for (const nc of others) await nc.flush()
  for (const server of servers)
    await expect(open(server)).rejects.toThrow('Authorization Violation')
})

/**
 * Sends heartbeats until `presence.sweep` knows the server of the connection. The user's presence
 * lease then lasts as long as the connection, and the next heartbeat is due only after `repairMs`.
 */
async function openLease({ nc, client }: ClusterUser) {
  const beat = () => {
    const { server_id: server = '', client_id: id = 0 } = nc.info ?? {}
    return client.try('presence.heartbeat', { connId: natsConnectionId({ server, client: id }) })
  }
  await expect
    .poll(beat, { timeout: 60_000, interval: 500 })
    .toMatchObject({ ok: true, value: { nextMs: repairMs } })
}

it('the users of a killed server become offline, except those who connect to another server', {
  timeout: 120_000,
}, async () => {
  const [first, , killed] = cluster.servers
  const [gone, back] = [`gone-${crypto.randomUUID()}`, `back-${crypto.randomUUID()}`]
  const stays = await cluster.connectUser(back, killed)
  const leaves = await cluster.connectUser(gone, killed)
  await Promise.all([openLease(stays), openLease(leaves)])
  const functions = await cluster.connectFunctions(first)
  const offline = new Set<string>()
  createClient(functions, { contracts: {} }).listen(presenceChanged, {}, ({ userId, status }) => {
    if (status === 'offline') offline.add(userId)
  })
  const id = leaves.nc.info?.server_id ?? expect.fail('the server has no id')

  await killed.kill('SIGKILL')
  await leaves.nc.close()
  await expect.poll(() => stays.nc.info?.server_id, { timeout: 60_000 }).not.toBe(id)
  await openLease(stays)

  // Reset the time of the killed server's last response, as if it had not responded for long.
  const bucket = await new Kvm(functions).open(PRESENCE_CONN.bucket)
  await expect
    .poll(
      async () => {
        const state = (await bucket.get('=sweep'))?.json<{ servers: Record<string, number> }>()
        const servers = { ...state?.servers, ...(id in (state?.servers ?? {}) && { [id]: 0 }) }
        await bucket.put('=sweep', JSON.stringify({ ...state, servers })).catch(() => undefined)
        return [...offline]
      },
      { timeout: 60_000, interval: 2_000 },
    )
    .toEqual([gone])
})
