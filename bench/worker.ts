/**
 * Starts child processes and calls them over IPC, which puts no load on the measured NATS server.
 */
import { type ChildProcess, fork } from 'node:child_process'

/** Arguments and results are copied from one process to the other. */
export type Methods = Record<string, (argument: never) => unknown>

export interface Worker extends AsyncDisposable {
  /** Rejects if the method fails or the process exits. */
  call<Result>(method: string, argument?: unknown): Promise<Result>
}

interface Request {
  id: number
  method: string
  argument: unknown
}

type Response = { id: number; value?: unknown; error?: string }

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

export async function startWorker(module: URL, args: string[] = []): Promise<Worker> {
  const child = fork(module, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Figures may be NaN, which JSON cannot represent.
    serialization: 'advanced',
  })
  const pending = new Map<number, PromiseWithResolvers<unknown>>()
  const ready = Promise.withResolvers<void>()
  let lastId = 0
  children.add(child)

  child.on('message', (message: Response | 'ready') => {
    if (message === 'ready') return ready.resolve()
    const request = pending.get(message.id)
    pending.delete(message.id)
    if (message.error === undefined) request?.resolve(message.value)
    else request?.reject(new Error(message.error))
  })
  child.on('exit', (code, signal) => {
    children.delete(child)
    const error = new Error(`The process of ${module.pathname} exited with ${signal ?? code}`)
    ready.reject(error)
    for (const request of pending.values()) request.reject(error)
  })
  await ready.promise

  return {
    async call<Value>(method: string, argument?: unknown) {
      const result = Promise.withResolvers<unknown>()
      const id = ++lastId
      pending.set(id, result)
      child.send({ id, method, argument } satisfies Request)
      return (await result.promise) as Value
    },
    [Symbol.asyncDispose]: () => kill(child),
  }
}

export function serveParent(methods: Methods): void {
  process.on('message', async ({ id, method: name, argument }: Request) => {
    try {
      const method = methods[name]
      if (!method) throw new Error(`The worker has no method "${name}"`)
      process.send?.({ id, value: await method(argument as never) } satisfies Response)
    } catch (error) {
      process.send?.({ id, error: String(Object(error).stack ?? error) } satisfies Response)
    }
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.('ready')
}

/** Returns the processor time of this process, in microseconds. */
export function usedCpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function kill(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}
