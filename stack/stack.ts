import { join } from 'node:path'
import { readAddress } from '../runtime/nats/address.ts'
import { buildClient } from './install/client.ts'
import { findNatsServer } from './install/nats-server.ts'
import { choosePorts, freePort, listenOn, type PortName, type Ports } from './ports.ts'
import { readSecrets, type Secrets } from './secrets.ts'
import { startNats } from './services/nats.ts'
import { startOidcProvider } from './services/oidc-provider.ts'
import { startPglite } from './services/pglite.ts'
import { startRuntimeService } from './services/runtime.ts'
import type { ProcessService, StackService } from './services/service.ts'
import { startWeb, type WebConfig, type WebOptions } from './services/web.ts'
import type { StackUrls, State } from './state.ts'

export type PageOptions = Pick<WebOptions, 'port' | 'config'>

export interface StackOptions {
  /** Starts the server of the page; by default, the one of services/web.ts for the built page. */
  startPage?: (options: PageOptions) => Promise<StackService>
  runtimeArgs?: string[]
  state: State
  env: NodeJS.ProcessEnv
  log: (message: string) => void
  /** Receives each started service, so that the caller can stop it even if a later start fails. */
  owned: AsyncDisposableStack
}

export interface Stack {
  urls: StackUrls
  services: ProcessService[]
  /**
   * Starts a second runtime process, so that functions are served while the first one hangs.
   * Undefined if NATTER_RUNTIMES is 1, and with `runtimeArgs`, which may start several processes
   * themselves.
   */
  startSecondRuntime: (() => Promise<ProcessService>) | undefined
}

interface Nats {
  urls: Pick<StackUrls, 'nats' | 'natsWebSocket' | 'natsMonitor' | 'opsUrl' | 'functionsUrl'>
  env: Record<string, string>
}

interface Context extends StackOptions {
  ports: Partial<Ports>
  secrets: Secrets
  webOrigins: string[]
  /**
   * The webhook port of the first runtime, to which the embedded OpenID provider sends logout
   * tokens. Empty if the runtime has none.
   */
  webhookPort: string
  services: ProcessService[]
}

/**
 * Starts the page, then NATS, the database and the OpenID provider in parallel, then the runtime.
 * NATS_URL, DATABASE_URL and OIDC_ISSUER each replace an embedded service by an external one.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { state, env, log, owned } = options
  const foreignNats = env.NATS_URL ? readForeignNats(env) : undefined
  const before = state.read<Partial<Ports>>('ports.json') ?? {}
  const ports = await choosePorts({ names: neededPorts(env), env, before, log })
  const secrets = readSecrets(join(state.dir, 'secrets.json'))

  let config: WebConfig | undefined
  const { startPage = startWeb, runtimeArgs } = options
  const runtimes = readRuntimes(env)
  // The page starts before NATS and the OpenID provider, because they need the origin of the page.
  const web = owned.use(
    await listenOn(['WEB_PORT'], { ports, env, log }, () =>
      startPage({ port: ports.WEB_PORT, config: () => config }),
    ),
  )
  const webOrigins = [`http://localhost:${ports.WEB_PORT}`, `http://127.0.0.1:${ports.WEB_PORT}`]
  const chosen = Object.values(ports)
  const webhookPort = env.WEBHOOK_PORT || (env.OIDC_ISSUER ? '' : String(await freePort(chosen)))
  const context: Context = { ...options, ports, secrets, webOrigins, webhookPort, services: [] }
  const [nats, databaseUrl, issuer] = await Promise.all([
    foreignNats ?? startOwnNats(context),
    provideDatabase(context),
    provideIssuer(context),
    options.startPage ? undefined : buildClient(log),
  ])
  state.write('ports.json', { ...before, ...ports })
  const runtimeEnv = {
    ...nats.env,
    DATABASE_URL: databaseUrl,
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_IDS: env.OIDC_CLIENT_IDS ?? 'nats-chat-app,natter-cli',
    NATTER_ID_KEY: env.NATTER_ID_KEY ?? secrets.idKey,
  }
  const startRuntime = (name: string, own: Record<string, string> = {}) =>
    startService(context, {
      name,
      ports: [],
      start: () =>
        startRuntimeService({
          dir: state.dir,
          onSpawn: state.addProcess,
          args: runtimeArgs ?? [],
          env: { ...runtimeEnv, ...withoutFiles(runtimeEnv), ...own },
          name,
        }),
    })
  await startRuntime('runtime', { WEBHOOK_PORT: context.webhookPort })
  config = { natsWebSocket: nats.urls.natsWebSocket, issuer, clientId: 'nats-chat-app' }
  return {
    urls: { web: web.url, ...nats.urls, issuer, databaseUrl },
    services: context.services,
    startSecondRuntime:
      runtimeArgs || runtimes === 1
        ? undefined
        : () => startRuntime('runtime-2', { HEALTH_PORT: '', WEBHOOK_PORT: '' }),
  }
}

/**
 * Returns an empty NAME_FILE for each variable NAME. It hides a NAME_FILE that the runtime would
 * inherit from this process: the runtime rejects NAME together with NAME_FILE.
 */
function withoutFiles(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.keys(env).map((name) => [`${name}_FILE`, '']))
}

function readRuntimes(env: NodeJS.ProcessEnv): number {
  const text = env.NATTER_RUNTIMES || '2'
  if (text === '1' || text === '2') return Number(text)
  throw new Error(`NATTER_RUNTIMES must be 1 or 2, but is "${text}"`)
}

function neededPorts(env: NodeJS.ProcessEnv): PortName[] {
  const names: PortName[] = ['WEB_PORT']
  if (!env.NATS_URL) names.push('NATS_PORT', 'NATS_WS_PORT')
  // The monitor is off by default, because it answers pages of every origin, and lists all clients.
  if (!env.NATS_URL && env.NATS_MONITOR_PORT) names.push('NATS_MONITOR_PORT')
  if (!env.OIDC_ISSUER) names.push('OIDC_PORT')
  if (!env.DATABASE_URL) names.push('PG_PORT')
  return names
}

async function startOwnNats(context: Context): Promise<Nats> {
  const { env, log, ports, secrets, state, webOrigins } = context
  const binary = await findNatsServer({ env, log })
  const nats = await startService(context, {
    name: 'nats-server',
    ports: ['NATS_PORT', 'NATS_WS_PORT', 'NATS_MONITOR_PORT'],
    start: () =>
      startNats({
        binary,
        secrets,
        webOrigins,
        dir: state.dir,
        onSpawn: state.addProcess,
        ports: {
          nats: ports.NATS_PORT ?? -1,
          webSocket: ports.NATS_WS_PORT ?? -1,
          monitor: ports.NATS_MONITOR_PORT ?? 0,
        },
      }),
  })
  return {
    urls: {
      nats: nats.url,
      natsWebSocket: nats.webSocketUrl,
      ...(nats.monitorUrl === undefined ? {} : { natsMonitor: nats.monitorUrl }),
      opsUrl: nats.urlOf('ops'),
      functionsUrl: nats.urlOf('functions'),
    },
    env: {
      NATS_URL: nats.urlOf('functions'),
      NATS_AUTH_URL: nats.urlOf('auth'),
      NATS_CALLOUT_SEED: secrets.calloutSeed,
      NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    },
  }
}

function readForeignNats(env: NodeJS.ProcessEnv): Nats {
  const read = (name: string) => {
    const value = env[name]
    if (value) return value
    throw new Error(`NATS_URL is set, so the embedded NATS is not started: set ${name} as well`)
  }
  const readUrl = (name: string) => {
    const url = read(name)
    const { servers, tls } = readAddress(name, url)
    return { url, shown: servers.map((server) => `${tls ? 'tls' : 'nats'}://${server}`).join(',') }
  }
  const { url: NATS_URL, shown } = readUrl('NATS_URL')
  return {
    urls: {
      nats: shown,
      natsWebSocket: read('NATS_WS_URL'),
      opsUrl: env.NATS_OPS_URL ?? NATS_URL,
      functionsUrl: NATS_URL,
    },
    env: {
      NATS_URL,
      NATS_AUTH_URL: readUrl('NATS_AUTH_URL').url,
      NATS_CALLOUT_SEED: read('NATS_CALLOUT_SEED'),
      // Empty if the nats-server does not encrypt the auth callout.
      NATS_CALLOUT_XKEY_SEED: env.NATS_CALLOUT_XKEY_SEED ?? '',
    },
  }
}

async function provideDatabase(context: Context): Promise<string> {
  const { env, ports, secrets, state } = context
  if (env.DATABASE_URL) return env.DATABASE_URL
  const start = () =>
    startPglite({
      dir: state.dir,
      onSpawn: state.addProcess,
      port: ports.PG_PORT,
      password: secrets.databasePassword,
    })
  return (await startService(context, { name: 'pglite', ports: ['PG_PORT'], start })).url
}

async function provideIssuer(context: Context): Promise<string> {
  const { env, ports, state, webOrigins, webhookPort } = context
  if (env.OIDC_ISSUER) return env.OIDC_ISSUER
  const start = () =>
    startOidcProvider({
      dir: state.dir,
      onSpawn: state.addProcess,
      port: ports.OIDC_PORT,
      webOrigins,
      logoutUrl: `http://127.0.0.1:${webhookPort}/oidc/backchannel-logout`,
    })
  return (await startService(context, { name: 'issuer', ports: ['OIDC_PORT'], start })).url
}

interface Start<P> {
  name: string
  ports: PortName[]
  start: () => Promise<P>
}

async function startService<P extends ProcessService>(
  context: Context,
  { name, ports, start }: Start<P>,
) {
  const started = performance.now()
  const service = context.owned.use(await listenOn(ports, context, start))
  context.services.push(service)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  context.log(`${name.padEnd(12)} ${seconds} s  ${withoutCredentials(service.url)}`.trimEnd())
  return service
}

function withoutCredentials(url: string) {
  return url.replace(/\/\/[^@/]*@/, '//')
}
