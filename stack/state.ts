import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { end, identify, isRunning, type ProcessId } from './process-id.ts'

/** The addresses of a running stack, as written to `stack.json`. They contain credentials. */
export interface StackUrls {
  web: string
  nats: string
  natsWebSocket: string
  /** URL of the monitoring page of the embedded nats-server; undefined for an external one. */
  natsMonitor?: string
  issuer: string
  databaseUrl: string
  /** NATS URL with the credentials of the user `ops`, for commands such as `nats -s URL micro ls`. */
  opsUrl: string
  /** NATS URL with the credentials of processes that serve functions, for `runtime start`. */
  functionsUrl: string
}

const ownEntry = /^(issuer|logs|nats|pglite|lock|ports|processes|secrets|stack)(\.|$)/

export class State {
  readonly dir: string
  readonly #processes = new Map<string, ProcessId>()

  constructor(dir: string) {
    this.dir = dir
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    this.#makePrivate()
  }

  /** Keeps other users of the machine out, even if the folder already existed or was copied. */
  #makePrivate() {
    const entries = readdirSync(this.dir, { withFileTypes: true })
    const own = entries.filter(({ name }) => ownEntry.test(name))
    // If the folder also contains other files, as a home directory does, it keeps its mode.
    if (own.length === entries.length) chmodSync(this.dir, 0o700)
    for (const entry of own)
      chmodSync(join(this.dir, entry.name), entry.isDirectory() ? 0o700 : 0o600)
  }

  read<T>(file: string): T | undefined {
    try {
      return JSON.parse(readFileSync(join(this.dir, file), 'utf8'))
    } catch {
      return undefined
    }
  }

  write(file: string, content: unknown): void {
    const path = join(this.dir, file)
    writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }

  /** Records a process of this run, so that the next run can stop it if this run is killed. */
  addProcess = (name: string, pid: number): void => {
    this.#processes.set(name, identify(pid))
    this.write('processes.json', Object.fromEntries(this.#processes))
  }

  writeUrls(urls: StackUrls): void {
    const processes = [...this.#processes].map(([name, { pid }]) => [name, pid])
    this.write('stack.json', {
      ...urls,
      pids: { main: process.pid, ...Object.fromEntries(processes) },
    })
  }

  clear(): void {
    for (const file of ['stack.json', 'processes.json'])
      rmSync(join(this.dir, file), { force: true })
  }

  async stopLeftovers(log: (message: string) => void): Promise<void> {
    const left = this.read<Record<string, ProcessId>>('processes.json') ?? {}
    if (Object.keys(left).length === 0 && existsSync(join(this.dir, 'processes.json')))
      log('processes.json is damaged: processes of an earlier run may still be running')
    for (const [name, id] of Object.entries(left).reverse()) {
      if (!isRunning(id)) continue
      log(`stopping ${name} (process ${id.pid}), left behind by a run that was killed`)
      await end(id)
    }
    this.clear()
  }
}
