import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

const askEveryMs = 1000

export async function untilHung(
  ask: () => Promise<unknown>,
  { hungAfterMs, signal }: { hungAfterMs: number; signal: AbortSignal },
): Promise<boolean> {
  let unanswered = 0
  const answered = () => {
    unanswered = 0
  }
  while (!signal.aborted && unanswered * askEveryMs < hungAfterMs) {
    const askedAt = performance.now()
    unanswered++
    ask().then(answered, () => {})
    await delay(askEveryMs, undefined, { signal }).catch(() => {})
    // If this timer is late, the machine is overloaded or was suspended. A missing answer is then
    // not counted against the process.
    const isLate = performance.now() - askedAt > 2 * askEveryMs
    if (isLate && unanswered > 0) unanswered--
  }
  return !signal.aborted
}

/**
 * Returns a function that pings a Node process through its IPC channel, and resolves when the process
 * has answered. While a debugger is attached, it resolves at once: the process may be paused.
 */
export function createPing(child: ChildProcess): () => Promise<void> {
  let isDebugged = false
  let waiting: (() => void)[] = []
  child.on('message', (message: { natter?: string; isDebugged?: boolean }) => {
    if (message.natter !== 'alive') return
    isDebugged = message.isDebugged === true
    for (const resolve of waiting) resolve()
    waiting = []
  })
  return async () => {
    if (!child.connected) return
    child.send({ natter: 'ping' }, () => {})
    if (isDebugged) return
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
}
