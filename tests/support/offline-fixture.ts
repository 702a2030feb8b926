import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { findChromium } from '../../stack/install/chromium.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { freePort } from '../../stack/ports.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { startNats } from '../../stack/services/nats.ts'
import { startOidcProvider } from '../../stack/services/oidc-provider.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { type ClientFixture, createClientFixture, useFixture } from './client-fixture.ts'
import { createNetworkProxy, type NetworkProxy } from './network-proxy.ts'

export interface OfflineFixture extends ClientFixture {
  network: NetworkProxy
  nats: ProcessService
  issuer: ProcessService
  /** Leaves logins without an answer until the returned function is called. */
  stallAuthCallout(): () => void
}

/** Creates the fixture for the tests of a file. Restores the network after each test. */
export function useOfflineFixture(
  setUp: (fixture: OfflineFixture) => Promise<void>,
): OfflineFixture {
  const fixture = useFixture(createOfflineFixture, { setUp })
  afterEach(() => fixture.network.restore())
  return fixture
}

async function createOfflineFixture(): Promise<OfflineFixture> {
  await using resources = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-offline-'))
  resources.defer(() => rm(dir, { recursive: true, force: true }))
  const secrets = createSecrets()
  const webPort = await freePort()
  const webOrigins = [`http://localhost:${webPort}`]
  const [nats, issuer] = await Promise.all([
    startNats({ dir, binary: await findNatsServer(), secrets, webOrigins }),
    startOidcProvider({ dir, webOrigins }),
  ])
  resources.use(nats)
  resources.use(issuer)
  const network = resources.use(await createNetworkProxy(Number(new URL(nats.webSocketUrl).port)))
  const callout = resources.use(await createNetworkProxy(nats.ports.nats))

  const client = resources.use(
    // The fixture uses `findChromium`: if several tabs are open in the headless shell, some of them
    // do not recover from an outage.
    await createClientFixture(
      {
        WEB_PORT: String(webPort),
        OIDC_ISSUER: issuer.url,
        NATS_URL: nats.urlOf('functions'),
        NATS_AUTH_URL: Object.assign(new URL(nats.urlOf('auth')), { port: callout.port }).href,
        NATS_OPS_URL: nats.urlOf('ops'),
        NATS_WS_URL: network.url,
        NATS_CALLOUT_SEED: secrets.calloutSeed,
        NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
        RATE_LIMIT_FACTOR: '100',
      },
      findChromium,
    ),
  )
  const owned = resources.move()
  return {
    ...client,
    network,
    nats,
    issuer,
    // Connections that are opened later are paused as well, because the runtime opens a new
    // connection when its current one is stalled.
    stallAuthCallout: () => callout.stall({ later: true }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
