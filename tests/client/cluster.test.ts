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

/**
 * The servers announce each other as 127.0.0.1, which stands for an internal address in this test.
 * `localhost` stands for the public address.
 */
function publicUrl({ webSocketUrl }: { webSocketUrl: string }): string {
  return webSocketUrl.replace('127.0.0.1', 'localhost')
}

it('the page connects to another public address when its server dies, and never to an internal one', {
  timeout: 60_000,
}, async () => {
  const { servers } = fixture.cluster
  const addresses = servers.map((server) => new URL(publicUrl(server)).href)
  const dialled: string[] = []
  let isBlocked = false
  const { page, problems } = await fixture.open('alice')
  await page.routeWebSocket(/.*/, (socket) => {
    dialled.push(new URL(socket.url()).href)
    if (isBlocked) void socket.close()
    else socket.connectToServer()
  })
  await page.reload()
  await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  await createRoom(page, 'public')
  const server = servers[addresses.indexOf(dialled.at(-1) ?? '')]
  const before = dialled.length

  isBlocked = true
  await server?.kill('SIGKILL')
  // Five attempts or more are enough to try each of the three public addresses. If the page knew an
  // internal address, it would also have tried that one.
  await expect.poll(() => dialled.length, { timeout: 30_000 }).toBeGreaterThan(before + 4)
  isBlocked = false
  await typeMessage(page, 'after the failure')
  await message(page, 'after the failure').waitFor()

  expect(dialled.at(-1)).not.toBe(server && new URL(publicUrl(server)).href)
  expect(addresses).toEqual(expect.arrayContaining(dialled))
  await server?.restart()
  // A connection that the content security policy forbids would be among these problems, too.
  expect(problems.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'))).toEqual([])
})
