import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { RoomId, UserId } from '#schema/ids'
import { type AppId, deliverAppUpdated } from '#schema/messages/app'
import { buildApps } from '../../client/build/appFiles.ts'
import { clientFolder } from '../../stack/install/client.ts'
import { readSecrets } from '../../stack/secrets.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ClientFixture } from './client-fixture.ts'
import type { TestUser } from './test-user.ts'

const folder = join(import.meta.dirname, 'hostile-apps')

/** The app in hostile-apps/, and servers that count the requests and packets that it sends. */
export interface HostileFixture extends AsyncDisposable {
  /**
   * Creates a room as alice, and installs the hostile app and the app poll there. The hostile app
   * carries out `attack`.
   */
  createRoom(attack: string): Promise<RoomId>
  /** Waits for the next report of the app in the room. */
  nextReport(room: RoomId): Promise<Record<string, string>>
  stunUrl: string
  /** Numbers of received UDP packets, of TCP connections, and of TCP connections with data. */
  received(): { packets: number; connections: number; requests: number }
}

/**
 * Serves the hostile app in addition to the stack. The app's component is on the page's own origin.
 */
export async function startHostileApp(
  { urls, stateDir }: Pick<ClientFixture, 'urls' | 'stateDir'>,
  alice: TestUser,
): Promise<HostileFixture> {
  await using resources = new AsyncDisposableStack()
  const components = join(clientFolder, 'apps')
  await buildApps(folder, components)
  resources.defer(() => removeComponent(components))
  const { functionsPassword, idKey } = readSecrets(join(stateDir, 'secrets.json'))
  const nats = new URL(urls.nats)
  const service = await startRuntimeService({
    dir: stateDir,
    folders: [folder],
    name: 'hostile',
    env: {
      NATS_URL: `nats://functions:${functionsPassword}@${nats.host}`,
      DATABASE_URL: urls.databaseUrl,
      NATTER_ID_KEY: idKey,
      APP_COMPONENTS: components,
    },
  })
  resources.use(service)

  const received = { packets: 0, connections: 0, requests: 0 }
  const udp = createSocket('udp4').on('message', () => {
    received.packets += 1
  })
  udp.bind(0, '127.0.0.1')
  const tcp = createServer((socket) => {
    received.connections += 1
    socket.on('error', () => undefined)
    socket.once('data', () => {
      received.requests += 1
      socket.destroy()
    })
  })
  tcp.listen(0)
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')])
  resources.defer(() => void udp.close())
  resources.defer(() => void tcp.close())
  const address = tcp.address()
  const tcpPort = typeof address === 'object' ? address?.port : undefined

  const owned = resources.move()
  return {
    async createRoom(attack) {
      const room = `hostile-${crypto.randomUUID().slice(0, 8)}` as RoomId
      const name = `${attack} ${tcpPort} ${udp.address().port} ${room.slice(-8)}`
      await alice.client.call('room.create', { room, name, kind: 'private' })
      for (const app of ['hostile', 'poll'] as AppId[])
        await alice.client.call('apps.install', { room, app })
      return room
    },
    nextReport: (room) =>
      new Promise((resolve) => {
        const stop = alice.client.listen(
          deliverAppUpdated,
          { user: 'alice' as UserId, room },
          ({ data }) => {
            if (Object.keys(data ?? {}).length === 0) return
            stop()
            resolve(data as Record<string, string>)
          },
        )
      }),
    stunUrl: `stun:127.0.0.1:${udp.address().port}`,
    received: () => ({ ...received }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function removeComponent(components: string) {
  const { glob } = await import('node:fs/promises')
  for await (const name of glob('hostile-*', { cwd: components })) await rm(join(components, name))
}
