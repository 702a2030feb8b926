import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Distinguishes a process from a later process with the same pid. */
export interface ProcessId {
  pid: number
  /** Start time of the process in the format of the operating system; empty if unknown. */
  since: string
}

export function identify(pid: number): ProcessId {
  return { pid, since: startOf(pid) ?? '' }
}

export function isRunning({ pid, since }: ProcessId): boolean {
  return pid > 0 && since !== '' && startOf(pid) === since
}

/**
 * Sends SIGTERM to a process, and SIGKILL if it still runs after `within` milliseconds. Does
 * nothing if the process has ended, even if a later process has the same pid.
 */
export async function end(id: ProcessId, within = 10_000): Promise<void> {
  const signals = ['SIGTERM', 'SIGKILL'] as const
  for (const signal of signals) {
    if (!isRunning(id)) return
    trySignal(id.pid, signal)
    // Polls, because only the parent of a process is notified of its exit.
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
    // The file is one line of fields. The 2nd is the process name in brackets, which may itself
    // contain spaces and brackets. The 3rd is the state, the 22nd the start time.
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
