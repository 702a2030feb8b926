import { setTimeout as delay } from 'node:timers/promises'
import { describeExit } from '../../stack/services/process.ts'
import type { ProcessService } from '../../stack/services/service.ts'

/** A runtime that is not spared. One thing at a time is done to it. */
export interface Instance extends AsyncDisposable {
  /** Ends it at once, and starts it again. */
  kill(): Promise<void>
  /** Has it end, and starts it again. */
  restart(): Promise<void>
  /** Stops it in its tracks for some time, in milliseconds. */
  pause(ms: number): Promise<void>
}

/** `crashed` is told of each end that nobody meant, and `paused` when it stood still. */
export function createInstance(
  part: ProcessService,
  crashed: (how: string) => void,
  paused: (start: number, end: number) => void,
): Instance {
  let isMeant = false
  let last = Promise.resolve()
  watch()

  return {
    kill: () => one(() => again(() => part.kill('SIGKILL'))),
    restart: () =>
      one(async () => {
        const ending = part.exited
        await again(async () => {})
        const { code } = await ending
        // One that is killed because it took too long has no code; the outage may be to blame.
        if (code) crashed(`${part.name} was told to end, and did with exit code ${code}`)
      }),
    pause: (ms) =>
      one(async () => {
        const start = Date.now()
        await part.kill('SIGSTOP')
        await delay(ms)
        await part.kill('SIGCONT')
        paused(start, Date.now())
      }),
    async [Symbol.asyncDispose]() {
      await last
      isMeant = true
      await part[Symbol.asyncDispose]()
    },
  }

  function one(work: () => Promise<void>): Promise<void> {
    last = last.then(work)
    return last
  }

  async function again(end: () => Promise<void>) {
    isMeant = true
    await end()
    // It gives up after a minute without what it needs, as it should; whoever runs it tries again.
    for (let attempt = 1; ; attempt++) {
      try {
        await part.restart()
        break
      } catch (error) {
        if (attempt === 3) throw error
      }
    }
    isMeant = false
    watch()
  }

  function watch() {
    void part.exited.then((exit) => {
      if (!isMeant) crashed(`${part.name} ended by itself: ${describeExit(exit)}`)
    })
  }
}
