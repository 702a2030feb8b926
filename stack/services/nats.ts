import { once } from 'node:events'
import { globSync, mkdirSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { quote, stateError } from '../damaged.ts'
import { natsVariables, type Secrets } from '../secrets.ts'
import type { LogFile } from './log-file.ts'
import { startProcess } from './process.ts'
import type { ProcessService, ServiceOptions } from './service.ts'

const root = join(import.meta.dirname, '..', '..')

export type NatsUser = 'auth' | 'functions' | 'ops' | 'sys'

export interface NatsPorts {
  nats: number
  webSocket: number
  monitor: number
}

export interface ClusterOptions {
  serverName: string
  port: number
  /** The ports at which the servers of the cluster listen for each other. */
  ports: number[]
  /**
   * Whether the server tells clients the addresses of all servers. nats.cluster.conf turns this
   * off; true turns it on.
   */
  isAdvertised?: boolean | undefined
}

/** Paths of PEM files. */
export interface NatsTls {
  certificate: string
  key: string
  authority: string
}

export interface NatsOptions extends ServiceOptions {
  binary: string
  secrets: Secrets
  /** The ports to listen on; -1, the default, means any free port. Monitor port 0 means no monitor. */
  ports?: NatsPorts
  /**
   * The origins from which browsers may connect; none by default. Clients that send no origin may
   * always connect.
   */
  webOrigins?: string[]
  /** The interval between fsyncs of JetStream, in the format of nats-server; `2s` by default. */
  syncInterval?: string
  /** Makes the server a member of a cluster whose servers all run on this machine. */
  cluster?: ClusterOptions
  /** Makes the server require TLS. The certificate must be valid for 127.0.0.1. */
  tls?: NatsTls | undefined
}

export interface NatsService extends ProcessService {
  readonly ports: NatsPorts
  readonly webSocketUrl: string
  readonly monitorUrl: string | undefined
  urlOf(user: NatsUser): string
}

export async function startNats(options: NatsOptions): Promise<NatsService> {
  const { binary, dir, secrets, cluster, tls } = options
  const config = join(root, `nats${cluster ? '.cluster' : ''}${tls ? '.tls' : ''}.conf`)
  const scheme = tls ? 'tls' : 'nats'
  let ports = options.ports ?? { nats: -1, webSocket: -1, monitor: -1 }
  mkdirSync(join(dir, 'nats'), { recursive: true, mode: 0o700 })

  const nats = await startProcess({
    ...options,
    name: cluster?.serverName ?? 'nats-server',
    ask: () => greet(ports.nats),
    command: () => ({
      file: binary,
      args: ['-c', config, ...(cluster?.isAdvertised ? ['--no_advertise=false'] : [])],
      env: environment(options, ports),
    }),
    async ready(log, from, signal) {
      await log.line(/ Server is ready$/, { from, signal, within: 30_000 })
      checkStreams(log, from, dir)
      ports = await readPorts(log, from, ports.monitor !== 0)
      await greet(ports.nats)
      return `${scheme}://127.0.0.1:${ports.nats}`
    },
  })

  const passwords: Record<NatsUser, string> = {
    auth: secrets.authPassword,
    functions: secrets.functionsPassword,
    ops: secrets.opsPassword,
    sys: secrets.sysPassword,
  }
  return Object.assign(nats, {
    ports,
    webSocketUrl: `${tls ? 'wss' : 'ws'}://127.0.0.1:${ports.webSocket}`,
    monitorUrl:
      ports.monitor === 0 ? undefined : `${tls ? 'https' : 'http'}://127.0.0.1:${ports.monitor}`,
    urlOf: (user: NatsUser) => `${scheme}://${user}:${passwords[user]}@127.0.0.1:${ports.nats}`,
  })
}

/**
 * Throws if nats-server has skipped a stream that it could not read. Otherwise, the runtime would
 * create the stream again, empty and with other sequences than the database.
 */
function checkStreams(log: LogFile, from: number, dir: string) {
  for (const [, fault = '', path = '', rest = ''] of log.read(from).matchAll(skippedStream)) {
    const blocks = globSync('msgs/*.blk', { cwd: dirname(path) })
    const hasMessages = blocks.some((block) => statSync(join(dirname(path), block)).size > 0)
    // A server that is killed while it creates a stream leaves an incomplete stream without
    // messages. It is ignored, because no message is lost.
    if (!hasMessages) continue
    const cause = fault + rest
    const command = `mv ${quote(dir)} ${quote(`${dir}.damaged`)}`
    throw stateError({ path, cause, command, loss: 'all rooms and messages are lost' })
  }
}

/** Matches log lines such as `[WRN]   Stream metafile "/…/meta.inf": checksums do not match`. */
const skippedStream =
  /\[WRN\] +((?:Missing|Error reading|Error unmarshalling)? *stream (?:metafile|checksum)[^"\n]*|Error reading metafile )"([^"\n]+)"(.*)/gi

function environment(options: NatsOptions, ports: NatsPorts) {
  const { dir, secrets, webOrigins, syncInterval, cluster, tls } = options
  return {
    ...process.env,
    ...(cluster ? clusterEnvironment(cluster, secrets) : {}),
    ...(tls ? tlsEnvironment(tls) : {}),
    NATS_SERVER_NAME: cluster?.serverName ?? 'natter',
    NATS_HOST: '127.0.0.1',
    NATS_PORT: String(ports.nats),
    NATS_WS_PORT: String(ports.webSocket),
    NATS_MONITOR: `127.0.0.1:${ports.monitor}`,
    // nats-server parses the value, so a path with a space needs quotes.
    NATS_STORE_DIR: JSON.stringify(join(dir, 'nats')),
    NATS_SYNC_INTERVAL: syncInterval ?? '2s',
    // An empty list would let browsers connect from every origin.
    NATS_WEB_ORIGINS: JSON.stringify(webOrigins ?? ['http://no-origin.invalid']),
    ...natsVariables(secrets),
  }
}

function clusterEnvironment({ port, ports }: ClusterOptions, { sysPassword }: Secrets) {
  const routes = ports.map((each) => `nats://route:${sysPassword}@127.0.0.1:${each}`)
  return {
    NATS_CLUSTER_NAME: 'natter',
    NATS_CLUSTER_LISTEN: `127.0.0.1:${port}`,
    NATS_CLUSTER_PASSWORD: sysPassword,
    NATS_CLUSTER_ROUTES: JSON.stringify(routes),
  }
}

function tlsEnvironment({ certificate, key, authority }: NatsTls) {
  return {
    NATS_TLS_CERT: JSON.stringify(certificate),
    NATS_TLS_KEY: JSON.stringify(key),
    NATS_TLS_CA: JSON.stringify(authority),
  }
}

/** Reads the ports from the log: nats-server writes its ports file only some time after it is ready. */
async function readPorts(log: LogFile, from: number, hasMonitor: boolean): Promise<NatsPorts> {
  const port = async (pattern: RegExp) => {
    const line = await log.line(pattern, { from })
    return Number(line.slice(line.lastIndexOf(':') + 1))
  }
  return {
    nats: await port(/ Listening for client connections on /),
    webSocket: await port(/ Listening for websocket clients on /),
    monitor: hasMonitor ? await port(/ Starting https? monitor on /) : 0,
  }
}

async function greet(port: number) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'data', { signal: AbortSignal.timeout(5000) })
  } finally {
    socket.destroy()
  }
}
