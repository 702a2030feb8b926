import type { ChildProcess } from 'node:child_process'
import { url as inspectorUrl } from 'node:inspector'
import { setTimeout as delay } from 'node:timers/promises'

const pingMs = 1000
const maxMissed = 5

interface Pong {
  natter: 'alive'
  isDebugged: boolean
}

export function answerPings(): void {
  if (!process.channel) return
  process.on('message', (message: { natter?: string } | undefined) => {
    if (message?.natter !== 'ping') return
    const pong: Pong = { natter: 'alive', isDebugged: inspectorUrl() !== undefined }
    process.send?.(pong, undefined, undefined, () => {})
  })
  // The IPC channel must not keep the process alive when all other work is done.
  process.channel.unref()
}

/**
 * Pings a child process every second. Resolves to true when the child has answered no ping for
 * about five seconds, or to false when `signal` aborts. A child with an open debugger may stop at
 * breakpoints, so it never counts as hung.
 */
export async function untilHung(child: ChildProcess, signal: AbortSignal): Promise<boolean> {
  let missed = 0
  let isDebugged = false
  const onMessage = (message: Partial<Pong>) => {
    if (message.natter !== 'alive') return
    missed = 0
    isDebugged = message.isDebugged === true
  }
  child.on('message', onMessage)
  while (!signal.aborted && (missed < maxMissed || isDebugged)) {
    const sentAt = performance.now()
    missed++
    if (child.connected) child.send({ natter: 'ping' }, () => {})
    await delay(pingMs, undefined, { signal, ref: false }).catch(() => {})
    // A late timer shows that the machine is overloaded or was suspended. The ping then does not
    // count as missed, because the child is not at fault.
    const isLate = performance.now() - sentAt > 2 * pingMs
    if (isLate && missed > 0) missed--
  }
  child.off('message', onMessage)
  return !signal.aborted
}
