import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createLogFile, type LogFile } from './log-file.ts'
import type { Exit, ProcessService, ServiceOptions } from './service.ts'
import { createPing, untilHung } from './sign-of-life.ts'

export interface ProcessOptions extends ServiceOptions {
  name: string
  /**
   * Returns the command that starts the process; called at every start and restart. Its arguments or
   * variables must always contain the ports that were chosen before the first start, so that the
   * address of the service stays the same.
   */
  command: () => { file: string; args: string[]; env: NodeJS.ProcessEnv; cwd?: string }
  /**
   * Resolves to the service's URL when the process is ready. The output of this start begins at byte
   * `from` of the log. `signal` aborts if the process exits. `firstMessage` resolves to the first IPC
   * message of the process.
   */
  ready: (
    log: LogFile,
    from: number,
    signal: AbortSignal,
    firstMessage: Promise<unknown>,
  ) => Promise<string>
  /**
   * Whether the process runs Node. A Node process gets an IPC channel, and stops when this channel
   * closes.
   */
  isNode?: boolean
  stopSignal?: NodeJS.Signals
  /** Milliseconds from `stopSignal` to SIGKILL; 15,000 by default. */
  stopWithin?: number
  /**
   * Asks the running process for a sign of life, and resolves when it answers. By default, a Node
   * process is pinged through its IPC channel, and any other process counts as alive.
   */
  ask?: () => Promise<unknown>
  /** Milliseconds without an answer after which the process counts as hung; 5,000 by default. */
  hungAfterMs?: number
  user?: { uid: number; gid: number } | undefined
}

/**
 * Starts a process and waits until it is ready. Throws an error with its output if it exits before
 * it is ready. Ctrl-C does not reach the started process, so that its parent can stop all services
 * in order.
 */
export async function startProcess(options: ProcessOptions): Promise<ProcessService> {
  const { name, stopSignal = 'SIGTERM', stopWithin = 15_000, hungAfterMs = 5000 } = options
  const log = createLogFile(join(options.dir, 'logs', `${name}.log`))
  let run: Run | undefined
  let url = ''

  async function start() {
    const from = log.end()
    const present = spawnRun(options, log)
    run = present
    const ended = new AbortController()
    const early = present.exited.then((exit) => {
      const error = new Error(
        `${name} ended before it was ready (${describeExit(exit)}):\n${lastOutput(log, from)}`,
      )
      ended.abort(error)
      throw error
    })
    try {
      const firstMessage = new Promise((resolve) => present.child.once('message', resolve))
      url = await Promise.race([options.ready(log, from, ended.signal, firstMessage), early])
    } catch (error) {
      await stop()
      throw error
    }
  }

  async function stop() {
    const present = run
    if (!present || present.hasExited) return
    present.child.kill(stopSignal)
    const patience = new AbortController()
    const late = delay(stopWithin, 'late', { signal: patience.signal }).catch(() => 'done')
    if ((await Promise.race([present.exited, late])) === 'late') present.child.kill('SIGKILL')
    patience.abort()
    await present.exited
  }

  await start()
  return {
    name,
    log,
    hungAfterMs,
    get url() {
      return url
    },
    get pid() {
      return run?.hasExited ? undefined : run?.child.pid
    },
    get exited() {
      return run?.exited ?? Promise.resolve({ code: null, signal: null })
    },
    untilHung(signal) {
      const ask = options.ask ?? run?.ping
      return untilHung(ask ?? (async () => {}), { hungAfterMs, signal })
    },
    stop,
    async kill(signal) {
      run?.child.kill(signal)
      if (signal === 'SIGKILL') await run?.exited
    },
    async restart() {
      await stop()
      await start()
    },
    [Symbol.asyncDispose]: stop,
  }
}

export function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`
}

interface Run {
  child: ChildProcess
  ping: (() => Promise<void>) | undefined
  exited: Promise<Exit>
  hasExited: boolean
}

function spawnRun({ name, command, user, isNode, onSpawn }: ProcessOptions, log: LogFile): Run {
  const { file, args, env, cwd } = command()
  const output = openSync(log.path, 'a')
  const child = spawn(file, args, {
    env,
    cwd,
    stdio: ['ignore', output, output, ...(isNode ? (['ipc'] as const) : [])],
    detached: process.platform !== 'win32',
    ...user,
  })
  closeSync(output)
  if (child.pid) onSpawn?.(name, child.pid)
  endWithThisProcess(child)

  const run: Run = {
    child,
    ping: isNode ? createPing(child) : undefined,
    hasExited: false,
    exited: Promise.resolve({ code: null, signal: null }),
  }
  run.exited = new Promise((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new Error(`${name} cannot be run: ${cause.message}`, { cause })),
    )
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  run.exited
    .finally(() => {
      run.hasExited = true
    })
    .catch(() => {})
  return run
}

const children = new Set<ChildProcess>()

function endWithThisProcess(child: ChildProcess) {
  if (children.size === 0) process.on('exit', killChildren)
  children.add(child)
  const forget = () => {
    children.delete(child)
    if (children.size === 0) process.off('exit', killChildren)
  }
  child.once('exit', forget).once('error', forget)
}

function killChildren() {
  for (const child of children) child.kill('SIGKILL')
}

function lastOutput(log: LogFile, from: number) {
  const lines = log.tail(25).split('\n')
  const text = log.end() > from ? lines.map(readable).join('\n') : '(it printed nothing)'
  return `${text}\nThe whole log is in ${log.path}`
}

export function readable(line: string): string {
  try {
    const { msg, err, error } = JSON.parse(line)
    const why = err?.stack ?? err?.message ?? error
    return [msg, why].filter(Boolean).join(': ') || line
  } catch {
    return line
  }
}
