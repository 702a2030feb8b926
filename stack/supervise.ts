import { setTimeout as delay } from 'node:timers/promises'
import { describeExit } from './services/process.ts'
import type { ProcessService } from './services/service.ts'

/** A service that exits `count` times within `withinMs` is not restarted again. */
const maxExits = { count: 5, withinMs: 60_000 }

export interface SuperviseOptions {
  log: (message: string) => void
  /** Called when the service is not restarted again. The reason includes the end of its log. */
  onGiveUp: (reason: string) => void
  onRestart: () => void
  signal: AbortSignal
}

/**
 * Restarts a service with exponential back-off when it exits, and replaces it when it gives no sign of
 * life, until the signal aborts.
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

/** Replaces the service whenever it hangs. Resolves to the reason when it has ended otherwise. */
async function nextExit(service: ProcessService, options: SuperviseOptions): Promise<string> {
  const { log, onRestart, signal } = options
  for (;;) {
    const { pid, exited } = service
    const watching = new AbortController()
    const hung = service.untilHung(AbortSignal.any([watching.signal, signal]))
    const isHung = await Promise.race([exited.then(() => false), hung])
    watching.abort()
    if (!isHung) return describeExit(await exited)

    const seconds = service.hungAfterMs / 1000
    log(`${service.name} gave no sign of life for ${seconds} s: replacing process ${pid}`)
    await service.kill('SIGKILL')
    try {
      await service.restart()
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    onRestart()
    log(`${service.name} replaced`)
  }
}
