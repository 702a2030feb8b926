import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { type Client, createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { freePort } from '../../stack/ports.ts'
import { createSecrets } from '../../stack/secrets.ts'
import {
  type NatsOptions,
  type NatsService,
  type NatsUser,
  startNats,
} from '../../stack/services/nats.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { writeFolder } from './command-line.ts'
import { type DatabaseKind, startDatabase } from './servers.ts'
import { startTokenIssuer, type TokenIssuer } from './token-issuer.ts'

export interface Cluster extends AsyncDisposable {
  dir: string
  servers: [NatsService, NatsService, NatsService]
  database: ProcessService
  tokenIssuer: TokenIssuer
  /** The environment variables with which `startRuntime` starts a runtime. */
  env: Record<string, string>
  /** The URLs of all servers, separated by commas. */
  urlsOf(user: NatsUser): string
  write(files: Record<string, string>): Promise<string>
  startRuntime(
    name: string,
    settings?: Record<string, string>,
    folders?: string[],
  ): Promise<ProcessService>
  /** Connects with the rights of functions, to this server only. */
  connectFunctions(server: NatsService): Promise<NatsConnection>
  /** Connects to this server, and to another server of the cluster when this one is unavailable. */
  connectUser(user: string, server: NatsService): Promise<ClusterUser>
}

export interface ClusterSettings {
  database?: DatabaseKind
  webOrigins?: string[]
  /**
   * Makes each server send the addresses of the other servers to clients, unlike nats.cluster.conf.
   */
  isAdvertised?: boolean | undefined
  /**
   * Called before the servers start, for instance to mount a small disk for the data of a server.
   * The servers `nats-1`, `nats-2` and `nats-3` store their data in `{dir}/{server name}/nats`.
   */
  prepare?(dir: string, started: AsyncDisposableStack): Promise<void>
}

export interface ClusterUser {
  nc: NatsConnection
  client: Client<typeof contracts>
}

/** Starts three nats-servers, a database and a token issuer, without a runtime. */
export async function startCluster({
  database = 'pglite',
  webOrigins = [],
  isAdvertised,
  prepare,
}: ClusterSettings = {}): Promise<Cluster> {
  await using started = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-cluster-'))
  started.defer(() => rm(dir, { recursive: true, force: true }))
  await prepare?.(dir, started)
  const secrets = createSecrets()
  const tokenIssuer = await startTokenIssuer()
  started.defer(() => tokenIssuer.stop())
  const [servers, db] = await Promise.all([
    startNatsServers({ dir, secrets, webOrigins, isAdvertised }, started),
    startDatabase(database, dir).then((service) => started.use(service)),
  ])
  const urlsOf = (user: NatsUser) => servers.map((server) => server.urlOf(user)).join(',')
  const env = {
    NATS_URL: urlsOf('functions'),
    NATS_AUTH_URL: urlsOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    NATS_REPLICAS: '3',
    DATABASE_URL: db.url,
    OIDC_ISSUER: tokenIssuer.issuer,
    NATTER_ID_KEY: secrets.idKey,
    RATE_LIMIT_FACTOR: '10000',
  }
  const running = started.move()
  return {
    dir,
    servers,
    database: db,
    tokenIssuer,
    env,
    urlsOf,
    write: (files) => writeFolder(files, running),
    startRuntime: async (name, settings = {}, folders = ['functions/', 'apps/']) =>
      running.use(await startRuntimeService({ dir, name, folders, env: { ...env, ...settings } })),
    async connectFunctions(server) {
      const { username, password, host } = new URL(server.urlOf('functions'))
      const nc = await connect({ servers: host, user: username, pass: password })
      running.defer(() => nc.close())
      return nc
    },
    async connectUser(user, server) {
      const token = await tokenIssuer.token({
        preferred_username: user,
        realm_access: { roles: ['user'] },
        exp: Math.floor(Date.now() / 1_000) + 3_600,
      })
      const others = servers.filter((other) => other !== server)
      const nc = await connect({
        servers: [server, ...others].map(({ url }) => url),
        noRandomize: true,
        token,
        inboxPrefix: `_INBOX_${user}`,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        pingInterval: 3_000,
        timeout: 4_000,
        ignoreAuthErrorAbort: true,
      })
      running.defer(() => nc.close())
      return { nc, client: createClient(nc, { contracts, user }) }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Starts the three nats-servers of a cluster. */
export async function startNatsServers(
  {
    dir,
    isAdvertised,
    ...options
  }: Pick<NatsOptions, 'dir' | 'secrets' | 'webOrigins' | 'tls'> &
    Pick<ClusterSettings, 'isAdvertised'>,
  started: AsyncDisposableStack,
): Promise<[NatsService, NatsService, NatsService]> {
  const binary = await findNatsServer()
  const ports = await Promise.all([freePort(), freePort(), freePort()])
  const start = async (number: 1 | 2 | 3) => {
    const serverName = `nats-${number}`
    const cluster = { serverName, port: ports[number - 1] ?? 0, ports, isAdvertised }
    const settings = { ...options, dir: join(dir, serverName), binary, cluster }
    return started.use(await startNats(settings))
  }
  return Promise.all([start(1), start(2), start(3)])
}
