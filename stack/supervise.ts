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

/** Restarts a service with exponential back-off when it exits, until the signal aborts. */
export async function supervise(service: ProcessService, options: SuperviseOptions): Promise<void> {
  const { log, signal } = options
  const exits: number[] = []
  let problem = await nextExit(service)
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
      problem = await nextExit(service)
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
  }
}

async function nextExit(service: ProcessService) {
  return describeExit(await service.exited)
}
