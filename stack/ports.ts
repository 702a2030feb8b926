import { createServer } from 'node:net'

export const defaultPorts = {
  WEB_PORT: 3000,
  NATS_PORT: 4222,
  NATS_WS_PORT: 9222,
  NATS_MONITOR_PORT: 8222,
  OIDC_PORT: 8080,
  PG_PORT: 5432,
}

export type PortName = keyof typeof defaultPorts
export type Ports = Record<PortName, number>

/**
 * Chooses a port for each name: the value of the environment variable, else the port of the
 * previous run (`before`), else the default. If the variable is 0, this is the port of the previous
 * run, else any free port. Replaces a port that is in use by the next free one.
 */
export async function choosePorts({
  names = Object.keys(defaultPorts) as PortName[],
  env = process.env,
  before = {},
  except = [],
  log = () => {},
}: {
  names?: PortName[]
  env?: NodeJS.ProcessEnv
  before?: Partial<Ports>
  except?: number[]
  log?: (message: string) => void
} = {}): Promise<Partial<Ports>> {
  const chosen = new Map<PortName, number>()
  for (const name of names) {
    const asked = readPort(env, name)
    const wanted = asked || (before[name] ?? asked ?? defaultPorts[name])
    const port = await findPort(wanted, [...chosen.values(), ...except])
    if (wanted !== 0 && port !== wanted) log(`Port ${wanted} is taken: ${name} is ${port}`)
    chosen.set(name, port)
  }
  return Object.fromEntries(chosen)
}

const maxTries = 10

export interface ListenOptions {
  /** The chosen ports of all services. `listenOn` changes this object if it chooses other ports. */
  ports: Partial<Ports>
  env: NodeJS.ProcessEnv
  log: (message: string) => void
}

/**
 * Calls `listen`, which starts to listen on the ports of these names. If another program has
 * meanwhile taken one of these ports, chooses other ports and repeats the call.
 */
export async function listenOn<T>(
  names: PortName[],
  { ports, env, log }: ListenOptions,
  listen: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await listen()
    } catch (error) {
      if (!isPortTaken(error) || tries === maxTries) throw error
      const others = Object.entries(ports).filter(([name]) => !names.includes(name as PortName))
      const except = others.map(([, port]) => port)
      Object.assign(ports, await choosePorts({ names, env, before: ports, except, log }))
    }
  }
}

function isPortTaken(error: unknown) {
  return /EADDRINUSE|already in use|one usage of each socket address/i.test(String(error))
}

/** Returns a port that no program uses. `except` are ports that are chosen, but not yet in use. */
export async function freePort(except: readonly number[] = []): Promise<number> {
  for (;;) {
    const port = await listen(0, '127.0.0.1')
    if (!except.includes(port)) return port
  }
}

function readPort(env: NodeJS.ProcessEnv, name: PortName): number | undefined {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new Error(`${name} must be a port from 0 (any) to 65535, but is "${text}"`)
}

async function findPort(wanted: number, except: number[]): Promise<number> {
  if (wanted === 0) return freePort(except)
  for (let port = wanted; port <= 65_535; port++) {
    if (!except.includes(port) && (await isFree(port))) return port
  }
  throw new Error(`There is no free port from ${wanted} upwards`)
}

/** Checks the port on IPv4 and IPv6, because `localhost` may resolve to either. */
async function isFree(port: number) {
  for (const host of ['127.0.0.1', '::1']) {
    try {
      await listen(port, host)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      const isAbsent = code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
      if (!isAbsent) return false
    }
  }
  return true
}

function listen(port: number, host: string) {
  return new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address()
      const got = typeof address === 'object' && address ? address.port : port
      server.close(() => resolve(got))
    })
  })
}
