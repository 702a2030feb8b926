import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** A process, told apart from a later one that got the same number. */
export interface ProcessId {
  pid: number
  /** When it started, as the system writes it; empty if the system does not say. */
  since: string
}

export function identify(pid: number): ProcessId {
  return { pid, since: startOf(pid) ?? '' }
}

/** Whether this very process is alive. A process of unknown start is never taken for it. */
export function isRunning({ pid, since }: ProcessId): boolean {
  return pid > 0 && since !== '' && startOf(pid) === since
}

/**
 * Ends a process that need not be a child: asks, and kills it when it is still there after
 * `within` ms. Does nothing if it is another process by now.
 */
export async function end(id: ProcessId, within = 10_000): Promise<void> {
  const signals = ['SIGTERM', 'SIGKILL'] as const
  for (const signal of signals) {
    if (!isRunning(id)) return
    trySignal(id.pid, signal)
    // The system tells only a parent that a process has ended.
    for (const until = Date.now() + within; isRunning(id) && Date.now() < until; ) await delay(25)
  }
}

function trySignal(pid: number, signal: NodeJS.Signals) {
  try {
    process.kill(pid, signal)
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH'
    if (!isGone) throw error
  }
}

function startOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') return ask(pid)
    // The name, in brackets, may hold anything; state is the 3rd field and the start the 22nd.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const isZombie = fields[0] === 'Z'
    return isZombie ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function ask(pid: number) {
  const args = ['-o', 'lstart=', '-p', String(pid)]
  return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}
