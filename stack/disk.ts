import { statfs } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessService } from './services/service.ts'

const checkMs = 1_000
const mebibyte = 1_024 * 1_024
/** A service fails at a write that does not fit, so the disk counts as full before that. */
const fullBytes = 4 * mebibyte
const enoughBytes = 32 * mebibyte
const writeFailure = /no space left on device|disk quota exceeded|ENOSPC|EDQUOT/i

export interface Disk {
  readonly isFull: boolean
  waitForSpace(signal: AbortSignal): Promise<void>
  /**
   * Resolves to true when the disk has space again after a service could not write. The service must
   * then be restarted: nats-server and PGlite do not write again by themselves. Resolves to false when
   * the signal aborts.
   */
  untilSpaceReturns(service: ProcessService, signal: AbortSignal): Promise<boolean>
}

export function watchDisk(
  dir: string,
  { log, signal }: { log: (message: string) => void; signal: AbortSignal },
): Disk {
  let isFull = false
  let fullCount = 0

  async function check() {
    const { bavail, bsize } = await statfs(dir)
    const free = bavail * bsize
    if (!isFull && free < fullBytes) {
      isFull = true
      fullCount++
      log(
        `the disk of ${dir} is full: messages are rejected until ${enoughBytes / mebibyte} MB are free`,
      )
    } else if (isFull && free >= enoughBytes) {
      isFull = false
      log(`the disk of ${dir} has space again`)
    }
  }

  void (async () => {
    while (!signal.aborted) {
      await check().catch(() => undefined)
      await delay(checkMs, undefined, { signal }).catch(() => undefined)
    }
  })()

  return {
    get isFull() {
      return isFull
    },
    async waitForSpace(signal) {
      while (isFull && !signal.aborted)
        await delay(checkMs, undefined, { signal }).catch(() => undefined)
    },
    async untilSpaceReturns(service, signal) {
      const before = isFull ? fullCount - 1 : fullCount
      let hasFailed = false
      const notice = (line: string) => {
        hasFailed ||= writeFailure.test(line)
      }
      service.log.follow(service.log.end(), notice, signal)
      while (!signal.aborted) {
        await delay(checkMs, undefined, { signal }).catch(() => undefined)
        if (!isFull && (hasFailed || fullCount > before)) return !signal.aborted
      }
      return false
    },
  }
}
