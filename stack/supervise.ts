import { setTimeout as delay } from 'node:timers/promises'
import type { Disk } from './disk.ts'
import { describeExit } from './services/process.ts'
import type { ProcessService } from './services/service.ts'

const maxExits = { count: 5, withinMs: 60_000 }

export interface SuperviseOptions {
  log: (message: string) => void
  /**
   * Called when the service has exited too often, and is no longer restarted. The reason includes
   * the end of its log.
   */
  onGiveUp: (reason: string) => void
  onRestart: () => void
  /** The disk of the state folder. While services cannot write to it, no service is restarted. */
  disk?: Disk
  /** Whether the service stores data, and so must be restarted after the disk was full. */
  storesData?: boolean
  signal: AbortSignal
}

/**
 * Restarts a service with exponential back-off when it exits, and gives up if it exits too often. Also
 * restarts it, without back-off, if it gives no sign of life, or if it stores data and its disk was
 * full. Ends when the signal aborts.
 */
export async function supervise(service: ProcessService, options: SuperviseOptions): Promise<void> {
  const { log, signal } = options
  const exits: number[] = []
  let problem = await nextExit(service, options)
  while (!signal.aborted) {
    exits.push(Date.now())
    const recent = exits.filter((at) => at > Date.now() - maxExits.withinMs).length
    if (recent >= maxExits.count) {
      return options.onGiveUp(
        `${service.name} exited ${recent} times (${problem})\n${service.log.tail()}`,
      )
    }

    const delayMs = 250 * 2 ** (recent - 1)
    log(`${service.name} exited (${problem.split('\n')[0]}): restarting in ${delayMs} ms`)
    await delay(delayMs, undefined, { signal }).catch(() => {})
    await options.disk?.waitUntilWritable(signal)
    if (signal.aborted) return
    try {
      await service.restart()
      options.onRestart()
      log(`${service.name} restarted`)
      problem = await nextExit(service, options)
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
  }
}

/**
 * Replaces the service when it hangs or could not write to the disk. Resolves to the reason when
 * the service has exited by itself.
 */
async function nextExit(service: ProcessService, options: SuperviseOptions): Promise<string> {
  const { disk, log, onRestart, signal, storesData } = options
  for (;;) {
    const { pid, exited } = service
    const watching = new AbortController()
    const watched = AbortSignal.any([watching.signal, signal])
    const event = await Promise.race([
      exited.then(() => 'exit'),
      service.untilHung(watched).then((isHung) => (isHung ? 'hung' : 'exit')),
      ...(disk && storesData
        ? [disk.untilWritableAgain(service, watched).then((is) => (is ? 'writable' : 'exit'))]
        : []),
    ])
    watching.abort()
    if (event === 'exit') return describeExit(await exited)

    if (event === 'hung') {
      const seconds = service.hungAfterMs / 1000
      log(`${service.name} gave no sign of life for ${seconds} s: replacing process ${pid}`)
      // The process may hang because it waits for a full disk, so the restart waits until the disk
      // is writable.
      await service.kill('SIGKILL')
      await disk?.waitUntilWritable(signal)
    } else log(`${service.name} could not write to the disk: replacing process ${pid}`)
    try {
      await service.restart()
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    onRestart()
    log(`${service.name} replaced`)
  }
}
