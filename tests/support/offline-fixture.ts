import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { freePort } from '../../stack/ports.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { startNats } from '../../stack/services/nats.ts'
import { startOidcProvider } from '../../stack/services/oidc-provider.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { type ClientFixture, createClientFixture } from './client-fixture.ts'

/** The whole product, with what it stands on within reach of whoever wants it away. */
export interface OfflineFixture extends ClientFixture {
  /** Between every page and NATS. */
  wire: NetworkProxy
  nats: ProcessService
  issuer: ProcessService
  /** The runtime answers nobody, and goes on later as if nothing had been. */
  holdRuntime(): Promise<() => void>
}

export async function createOfflineFixture(): Promise<OfflineFixture> {
  await using made = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-away-'))
  made.defer(() => rm(dir, { recursive: true, force: true }))
  const secrets = createSecrets()
  const webPort = await freePort()
  const webOrigins = [`http://localhost:${webPort}`]
  const [nats, issuer] = await Promise.all([
    startNats({ dir, binary: await findNatsServer(), secrets, webOrigins }),
    startOidcProvider({ dir, webOrigins }),
  ])
  made.use(nats)
  made.use(issuer)
  const wire = made.use(await createNetworkProxy(Number(new URL(nats.webSocketUrl).port)))

  const ground = made.use(
    await createClientFixture({
      WEB_PORT: String(webPort),
      OIDC_ISSUER: issuer.url,
      NATS_URL: nats.urlOf('functions'),
      NATS_AUTH_URL: nats.urlOf('auth'),
      NATS_OPS_URL: nats.urlOf('ops'),
      NATS_WS_URL: wire.url,
      NATS_CALLOUT_SEED: secrets.calloutSeed,
      NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
      RATE_LIMIT_FACTOR: '100',
    }),
  )
  const all = made.move()
  return {
    ...ground,
    wire,
    nats,
    issuer,
    async holdRuntime() {
      const { pids } = JSON.parse(await readFile(join(ground.stateDir, 'stack.json'), 'utf8'))
      process.kill(pids.runtime, 'SIGSTOP')
      return () => process.kill(pids.runtime, 'SIGCONT')
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

export interface NetworkProxy extends AsyncDisposable {
  url: string
  /** Ends all connections, and lets no other through; answers with when that was. */
  cut(): number
  /** Nothing comes through any more, and nobody is told; answers with what ends that. */
  hold(): () => void
  mend(): void
}

/** A wire that can be cut: browsers have no switch that ends the connections they have. */
async function createNetworkProxy(port: number): Promise<NetworkProxy> {
  const open = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) return near.destroy()
    const far = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on('error', () => one.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    isCut = true
    for (const socket of open) socket.destroy()
    return Date.now()
  }
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    hold() {
      const held = [...open]
      for (const socket of held) socket.pause()
      return () => {
        for (const socket of held) socket.resume()
      }
    },
    mend() {
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
    },
  }
}
