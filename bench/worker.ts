/** Processes that a section starts and asks: over a channel of their own, aside of what is measured. */
import { type ChildProcess, fork } from 'node:child_process'

/** What a process can be asked. Arguments and answers are cloned. */
export type Abilities = Record<string, (argument: never) => unknown>

export interface Worker extends AsyncDisposable {
  /** Rejects with what the process threw, or when it is gone. */
  ask<Answer>(ability: string, argument?: unknown): Promise<Answer>
}

interface Question {
  id: number
  ability: string
  argument: unknown
}

type Answer = { id: number; value?: unknown; error?: string }

/** An end that nobody planned takes them along. */
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Starts a module of the bench as a process; ready when it has called {@link serveParent}. */
export async function startWorker(module: URL, args: string[] = []): Promise<Worker> {
  const child = fork(module, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // JSON has no NaN, which a figure is that could not be measured.
    serialization: 'advanced',
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const ready = Promise.withResolvers<void>()
  let count = 0
  children.add(child)

  child.on('message', (message: Answer | 'ready') => {
    if (message === 'ready') return ready.resolve()
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) asked?.resolve(message.value)
    else asked?.reject(new Error(message.error))
  })
  child.on('exit', (code, signal) => {
    children.delete(child)
    const error = new Error(`${module.pathname} has ended (${signal ?? code})`)
    ready.reject(error)
    for (const asked of waiting.values()) asked.reject(error)
  })
  await ready.promise

  return {
    async ask<Value>(ability: string, argument?: unknown) {
      const asked = Promise.withResolvers<unknown>()
      const id = count++
      waiting.set(id, asked)
      child.send({ id, ability, argument } satisfies Question)
      return (await asked.promise) as Value
    },
    [Symbol.asyncDispose]: () => end(child),
  }
}

/** In a worker: answers the parent, says that it is ready, and ends when the parent is gone. */
export function serveParent(abilities: Abilities): void {
  process.on('message', async ({ id, ability, argument }: Question) => {
    try {
      const answer = abilities[ability]
      if (!answer) throw new Error(`There is no ability "${ability}"`)
      process.send?.({ id, value: await answer(argument as never) } satisfies Answer)
    } catch (error) {
      process.send?.({ id, error: String(Object(error).stack ?? error) } satisfies Answer)
    }
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.('ready')
}

/** Processor time this process has used, in microseconds. */
export function usedCpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function end(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}
