import { setTimeout as delay } from 'node:timers/promises'
import { describe } from './services/process.ts'
import type { ProcessService } from './services/service.ts'

/** So many ends within so many ms, and it is no accident any more. */
const maxRestarts = { ends: 5, within: 60_000 }

export interface SuperviseOptions {
  log: (message: string) => void
  /** It keeps ending: why, with the end of its log. */
  onGiveUp: (reason: string) => void
  /** It runs again. */
  onRestart: () => void
  signal: AbortSignal
}

/** Starts a part again whenever it ends by itself, each time a little later, until the signal. */
export async function supervise(part: ProcessService, options: SuperviseOptions): Promise<void> {
  const { log, signal } = options
  const ends: number[] = []
  let problem = await nextEnd(part)
  while (!signal.aborted) {
    ends.push(Date.now())
    const recent = ends.filter((at) => at > Date.now() - maxRestarts.within).length
    if (recent >= maxRestarts.ends) {
      return options.onGiveUp(`${part.name} ended ${recent} times (${problem})\n${part.log.tail()}`)
    }

    const wait = 250 * 2 ** (recent - 1)
    log(`${part.name} ended (${problem.split('\n')[0]}): starting it again in ${wait} ms`)
    await delay(wait, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    try {
      await part.restart()
      options.onRestart()
      log(`${part.name} runs again`)
      problem = await nextEnd(part)
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
  }
}

async function nextEnd(part: ProcessService) {
  return describe(await part.exited)
}
