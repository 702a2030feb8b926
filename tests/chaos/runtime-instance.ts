import { setTimeout as delay } from 'node:timers/promises'
import { describeExit } from '../../stack/services/process.ts'
import type { ProcessService } from '../../stack/services/service.ts'

export interface RuntimeInstance extends AsyncDisposable {
  kill(): Promise<void>
  restart(): Promise<void>
  pause(ms: number): Promise<void>
  freeze(): Promise<void>
}

export interface RuntimeInstanceOptions {
  onCrash: (reason: string) => void
  onPause: (start: number, end: number) => void
  /** Resolves when the disk is not full. */
  waitForSpace: () => Promise<void>
}

export function createRuntimeInstance(
  service: ProcessService,
  { onCrash, onPause, waitForSpace }: RuntimeInstanceOptions,
): RuntimeInstance {
  let isExitExpected = false
  let lastTask = Promise.resolve()
  watchExit()

  return {
    kill: () => runExclusively(() => stopAndRestart(() => service.kill('SIGKILL'))),
    restart: () =>
      runExclusively(async () => {
        const exit = service.exited
        await stopAndRestart(async () => {})
        const { code } = await exit
        // If there is no exit code, the shutdown took too long and was ended by SIGKILL. That is
        // not a crash.
        if (code) onCrash(`${service.name} exited with code ${code} on a restart`)
      }),
    pause: (ms) =>
      runExclusively(async () => {
        const start = Date.now()
        await service.kill('SIGSTOP')
        await delay(ms)
        await service.kill('SIGCONT')
        onPause(start, Date.now())
      }),
    freeze: () => runExclusively(() => stopAndRestart(() => freezeAndKill(service))),
    async [Symbol.asyncDispose]() {
      await lastTask
      isExitExpected = true
      await service[Symbol.asyncDispose]()
    },
  }

  function runExclusively(task: () => Promise<void>): Promise<void> {
    lastTask = lastTask.then(task)
    return lastTask
  }

  async function stopAndRestart(stop: () => Promise<void>) {
    isExitExpected = true
    await stop()
    // The restart may fail, because a runtime exits if its dependencies are unavailable for a
    // minute. So it is tried up to three times.
    for (let attempt = 1; ; attempt++) {
      await waitForSpace()
      try {
        await service.restart()
        break
      } catch (error) {
        if (attempt === 3) throw error
      }
    }
    isExitExpected = false
    watchExit()
  }

  function watchExit() {
    void service.exited.then((exit) => {
      if (!isExitExpected) onCrash(`${service.name} exited unexpectedly: ${describeExit(exit)}`)
    })
  }
}

export async function freezeAndKill(service: ProcessService): Promise<void> {
  await service.kill('SIGSTOP')
  await service.untilHung(new AbortController().signal)
  await service.kill('SIGKILL')
}
