import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../stack/ports.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { subjectOf } from '../support/token-issuer.ts'

/** Five times the time within which a logout closes the connections. Nothing else closes them. */
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
  // Both runtimes serve logins.
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
