import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { end, identify, isRunning, type ProcessId } from './process-id.ts'

/** What `stack.json` tells others about a running stack: where everything is. Not for the public. */
export interface StackUrls {
  web: string
  nats: string
  natsWebSocket: string
  /** The monitoring page; only of our own nats-server. */
  natsMonitor?: string
  issuer: string
  databaseUrl: string
  /** NATS with the credentials of an operator: `nats -s URL micro ls`. */
  opsUrl: string
}

/** The folder in which a stack keeps everything. */
export class State {
  readonly dir: string
  readonly #processes = new Map<string, ProcessId>()

  constructor(dir: string) {
    this.dir = dir
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  }

  /** The content of one of its JSON files; undefined if there is none that can be read. */
  read<T>(file: string): T | undefined {
    try {
      return JSON.parse(readFileSync(join(this.dir, file), 'utf8'))
    } catch {
      return undefined
    }
  }

  /** Replaces one of its JSON files, at once and whole. Only its owner can read it. */
  write(file: string, content: unknown): void {
    const path = join(this.dir, file)
    writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }

  /** Notes a process of this run, so that the next run finds it if this one is killed. */
  addProcess = (name: string, pid: number): void => {
    this.#processes.set(name, identify(pid))
    this.write('processes.json', Object.fromEntries(this.#processes))
  }

  /** Tells others where everything is. */
  writeUrls(urls: StackUrls): void {
    const processes = [...this.#processes].map(([name, { pid }]) => [name, pid])
    this.write('stack.json', {
      ...urls,
      pids: { main: process.pid, ...Object.fromEntries(processes) },
    })
  }

  /** Forgets this run, which has stopped in good order. */
  clear(): void {
    for (const file of ['stack.json', 'processes.json'])
      rmSync(join(this.dir, file), { force: true })
  }

  /** Stops what a killed run has left behind, the last that was started first. */
  async stopLeftovers(log: (message: string) => void): Promise<void> {
    const left = this.read<Record<string, ProcessId>>('processes.json') ?? {}
    for (const [name, id] of Object.entries(left).reverse()) {
      if (!isRunning(id)) continue
      log(`stopping ${name} (process ${id.pid}), left behind by a run that was killed`)
      await end(id)
    }
    this.clear()
  }
}
