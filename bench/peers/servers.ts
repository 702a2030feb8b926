import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import { output } from '../../stack/install/command.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { freePort } from '../../stack/ports.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { startNats } from '../../stack/services/nats.ts'
import { startProcess } from '../../stack/services/process.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ServiceOptions } from '../../stack/services/service.ts'
import { type DatabaseKind, startDatabase } from '../../tests/support/servers.ts'
import { cleanUpOnExit, createFolder } from '../cleanup.ts'
import { type Issuer, startIssuer } from '../login/issuer.ts'
import type { Target } from './client.ts'
import { findCentrifugo, findProsody, findSynapse } from './install.ts'

export interface Server extends AsyncDisposable {
  target: Target
  /** Process ids by name. */
  processes: Map<string, number>
}

/**
 * Number of members of each room. Natter's members are stored in its database before Natter starts
 * (see `fillRooms`). With the other servers, a client enters a room when it calls `follow`.
 * `joined` begins without members, because joins are measured in it.
 */
export const rooms = { small: 11, joined: 0, cut: 501, thousand: 1_000, thousands: 5_000 }

const root = join(import.meta.dirname, '..', '..')

interface StartOptions extends ServiceOptions {
  stack: AsyncDisposableStack
  issuer: Issuer
  onSpawn: (name: string, pid: number) => void
}

type Start = (options: StartOptions) => Promise<Omit<Target, 'issuer'>>

export const base = 'Centrifugo, memory'

export const starts: Record<string, Start> = {
  [base]: (options) => startCentrifugo(options),
  'Centrifugo, PostgreSQL': async (options) =>
    startCentrifugo(options, await startOwnDatabase('postgres', options)),
  Prosody: startProsody,
  Synapse: startSynapse,
  'Natter, PGlite': (options) => startNatter('pglite', options),
  'Natter, PostgreSQL': (options) => startNatter('postgres', options),
}

export async function startServer(name: string): Promise<Server> {
  await using started = new AsyncDisposableStack()
  const dir = await createFolder(started)
  const addProcess = cleanUpOnExit(started, [dir])
  const issuer = started.use(await startIssuer())
  const processes = new Map<string, number>()
  const onSpawn = (process: string, pid: number) => {
    processes.set(process, pid)
    addProcess(pid)
  }
  const target = await starts[name]?.({ stack: started, dir, issuer, onSpawn })
  if (!target) throw new Error(`There is no server "${name}"`)
  const { url, privateKeyPem } = issuer
  const stack = started.move()
  return {
    target: { ...target, issuer: { url, privateKeyPem } },
    processes,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function startOwnDatabase(kind: DatabaseKind, { stack, dir, onSpawn }: StartOptions) {
  const database = stack.use(await startDatabase(kind, dir))
  if (database.pid) onSpawn('database', database.pid)
  return database.url
}

async function startCentrifugo({ stack, dir, issuer, onSpawn }: StartOptions, database?: string) {
  const [file, port] = [await findCentrifugo(), await freePort()]
  const config = join(dir, 'centrifugo.json')
  const settings = {
    http_server: { address: '127.0.0.1', port },
    log: { level: 'error' },
    client: { token: { rsa_public_key: issuer.publicKeyPem } },
    channel: {
      without_namespace: {
        allow_subscribe_for_client: true,
        allow_publish_for_client: true,
        allow_history_for_client: true,
        force_recovery: true,
        history_size: 10_000,
        history_ttl: '1h',
      },
    },
    // Without `use_notify`, the broker would poll PostgreSQL every 100 ms.
    ...(database
      ? {
          broker: {
            enabled: true,
            type: 'postgres',
            postgres: { dsn: `${database}?sslmode=disable`, use_notify: true },
          },
        }
      : {}),
  }
  await writeFile(config, JSON.stringify(settings))
  stack.use(
    await startProcess({
      dir,
      onSpawn,
      name: 'centrifugo',
      command: () => ({ file, args: ['-c', config], env: process.env }),
      ready: (_log, _from, signal) => untilListening(port, signal),
    }),
  )
  const url = `ws://127.0.0.1:${port}/connection/websocket`
  return { protocol: 'centrifugo', url, largestRoom: Number.POSITIVE_INFINITY } as const
}

async function startProsody(options: StartOptions) {
  const { stack, dir, onSpawn } = options
  const database = new URL(await startOwnDatabase('postgres', options))
  const [file, port] = [await findProsody(), await freePort()]
  const config = join(dir, 'prosody.cfg.lua')
  await writeFile(
    config,
    `
run_as_root = true
pidfile = "${dir}/prosody.pid"
data_path = "${dir}"
log = { warn = "*console" }
modules_enabled = { "websocket", "saslauth" }
modules_disabled = { "s2s", "offline" }
c2s_ports = {}
c2s_direct_tls_ports = {}
https_ports = {}
http_ports = { ${port} }
http_interfaces = { "127.0.0.1" }
http_default_host = "localhost"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
consider_websocket_secure = true
authentication = "insecure"
insecure_open_authentication = "Yes please, I know what I'm doing!"
storage = "sql"
sql = {
  driver = "PostgreSQL", host = "127.0.0.1", port = ${database.port},
  database = "postgres", username = "postgres", password = "",
}
VirtualHost "localhost"
Component "rooms.localhost" "muc"
  modules_enabled = { "muc_mam" }
  muc_room_locking = false
  muc_room_default_presence_broadcast = { visitor = false, participant = false, moderator = false }
`,
  )
  stack.use(
    await startProcess({
      dir,
      onSpawn,
      name: 'prosody',
      command: () => ({ file, args: ['--config', config, '-F'], env: process.env }),
      ready: (_log, _from, signal) => untilListening(port, signal),
    }),
  )
  const url = `ws://127.0.0.1:${port}/xmpp-websocket`
  return { protocol: 'prosody', url, largestRoom: 1_000 } as const
}

async function startSynapse(options: StartOptions) {
  const { stack, dir, onSpawn } = options
  const database = new URL(await startOwnDatabase('postgres', options))
  const [modules, port] = [await findSynapse(), await freePort()]
  const config = join(dir, 'homeserver.yaml')
  const secret = crypto.randomUUID()
  const unlimited = { per_second: 1e6, burst_count: 1e6 }
  // Synapse reads its settings as YAML. They are written as JSON, which is valid YAML.
  const settings = {
    server_name: 'localhost',
    report_stats: false,
    signing_key_path: join(dir, 'signing.key'),
    media_store_path: join(dir, 'media'),
    registration_shared_secret: secret,
    macaroon_secret_key: secret,
    trusted_key_servers: [],
    presence: { enabled: false },
    bcrypt_rounds: 4,
    listeners: [
      { type: 'http', port, bind_addresses: ['127.0.0.1'], resources: [{ names: ['client'] }] },
    ],
    database: {
      name: 'psycopg2',
      args: { user: 'postgres', dbname: 'postgres', host: '127.0.0.1', port: database.port },
    },
    rc_message: unlimited,
    rc_registration: unlimited,
    rc_joins: { local: unlimited, remote: unlimited },
    rc_joins_per_room: unlimited,
    rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
  }
  await writeFile(config, JSON.stringify(settings))
  const env = { ...process.env, PYTHONPATH: modules }
  const args = ['-m', 'synapse.app.homeserver', '-c', config]
  await output('python3', [...args, '--generate-keys'], { env })
  stack.use(
    await startProcess({
      dir,
      onSpawn,
      name: 'synapse',
      command: () => ({ file: 'python3', args, env, cwd: dir }),
      ready: (_log, _from, signal) => untilListening(port, signal),
    }),
  )
  const url = `http://127.0.0.1:${port}`
  return { protocol: 'synapse', url, secret, largestRoom: 501 } as const
}

async function startNatter(kind: DatabaseKind, options: StartOptions) {
  const { stack, dir, issuer, onSpawn } = options
  const secrets = createSecrets()
  const database = await startOwnDatabase(kind, options)
  const migrate = [join(root, 'runtime', 'bin.mjs'), 'migrate', 'functions/', 'apps/']
  await output(process.execPath, migrate, { env: { ...process.env, DATABASE_URL: database } })
  await fillRooms(database)
  const binary = await findNatsServer({ log: console.error })
  const nats = stack.use(await startNats({ dir, binary, secrets, onSpawn }))
  const env = {
    NATS_URL: nats.urlOf('functions'),
    NATS_AUTH_URL: nats.urlOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    NATTER_ID_KEY: secrets.idKey,
    DATABASE_URL: database,
    OIDC_ISSUER: issuer.url,
    // The rate limits are raised, so that calls are counted, but never reach a limit.
    RATE_LIMIT_FACTOR: '100000',
  }
  for (const name of ['runtime', 'runtime-2'])
    stack.use(await startRuntimeService({ dir, env, name, onSpawn }))
  return {
    protocol: 'natter',
    url: nats.webSocketUrl,
    largestRoom: Number.POSITIVE_INFINITY,
  } as const
}

async function fillRooms(database: string) {
  const sql = postgres(database, { max: 1 })
  for (const [room, size] of Object.entries(rooms)) {
    await sql`insert into rooms (id, name, kind) values (${room}, ${room}, 'public')`
    await sql`
      insert into members (room, user_id)
      select ${room}, 'bench-' || number from generate_series(0, ${size - 1}::int) number`
  }
  await sql.end()
}

async function untilListening(port: number, signal: AbortSignal) {
  for (;;) {
    signal.throwIfAborted()
    const isListening = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (isListening) return `http://127.0.0.1:${port}`
    await delay(50)
  }
}
