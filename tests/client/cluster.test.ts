import { expect, it } from 'vitest'
import { freePort } from '../../stack/ports.ts'
import {
  type ClientFixture,
  createClientFixture,
  createRoom,
  message,
  typeMessage,
  useFixture,
} from '../support/client-fixture.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'

interface ClusterFixture extends ClientFixture {
  cluster: Cluster
}

const fixture = useFixture(createClusterFixture, {})

async function createClusterFixture(): Promise<ClusterFixture> {
  await using resources = new AsyncDisposableStack()
  const webPort = await freePort()
  const webOrigins = [`http://localhost:${webPort}`]
  const cluster = resources.use(await startCluster({ webOrigins, isAdvertised: true }))
  const { OIDC_ISSUER: _, DATABASE_URL: __, ...env } = cluster.env
  const client = resources.use(
    await createClientFixture({
      ...env,
      WEB_PORT: String(webPort),
      NATS_WS_URL: cluster.servers.map(publicUrl).join(' '),
    }),
  )
  const owned = resources.move()
  return { ...client, cluster, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The servers announce 127.0.0.1 as their address, which is the inner one here. */
function publicUrl({ webSocketUrl }: { webSocketUrl: string }): string {
  return webSocketUrl.replace('127.0.0.1', 'localhost')
}

it('the page connects to another public address when its server dies, and to no inner one', {
  timeout: 60_000,
}, async () => {
  const { servers } = fixture.cluster
  const addresses = servers.map((server) => new URL(publicUrl(server)).href)
  const dialled: string[] = []
  const { page, problems } = await fixture.open('alice')
  page.on('websocket', (socket) => dialled.push(socket.url()))
  await page.reload()
  await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  await createRoom(page, 'public')
  const server = servers[addresses.indexOf(new URL(dialled.at(-1) ?? '').href)]

  await server?.kill('SIGKILL')
  await typeMessage(page, 'after the failure')
  await message(page, 'after the failure').waitFor()

  const lost = server && new URL(publicUrl(server)).href
  await expect.poll(() => new URL(dialled.at(-1) ?? '').href, { timeout: 30_000 }).not.toBe(lost)
  expect(addresses).toEqual(expect.arrayContaining(dialled.map((url) => new URL(url).href)))
  await server?.restart()
  // Among others, there is no violation of the content security policy.
  expect(problems.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'))).toEqual([])
})
