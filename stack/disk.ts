import { statfs, utimes } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessService } from './services/service.ts'

const checkMs = 1_000
const mebibyte = 1_024 * 1_024
/**
 * The disk counts as full when its free space falls below this. A service fails at the first write
 * that does not fit, so it may fail while some space is left.
 */
const fullBytes = 4 * mebibyte
const enoughBytes = 32 * mebibyte
const writeFailure =
  /no space left on device|disk quota exceeded|read-only file system|ENOSPC|EDQUOT|EROFS/i

type Fault = 'full' | 'read-only'

const descriptions: Record<Fault, string> = {
  full: `is full: messages are rejected until ${enoughBytes / mebibyte} MB are free`,
  'read-only': 'is read-only: messages are rejected until it is repaired and mounted for writing',
}

export interface Disk {
  /** Resolves at once while services can write to the disk, else when they can write again. */
  waitUntilWritable(signal: AbortSignal): Promise<void>
  /**
   * Waits for a fault of the disk, or for a failed write in the log of `service`. Resolves to true
   * when the disk is writable again. The service must then be restarted: nats-server and PGlite do
   * not resume writing by themselves. Resolves to false when the signal aborts.
   */
  untilWritableAgain(service: ProcessService, signal: AbortSignal): Promise<boolean>
}

/** Logs when services cannot write to the disk of `dir`, because it is full or read-only. */
export function watchDisk(
  dir: string,
  { log, signal }: { log: (message: string) => void; signal: AbortSignal },
): Disk {
  let fault: Fault | undefined
  let faultCount = 0

  async function check() {
    const found = await findFault(dir, fault)
    if (found === fault) return
    if (!fault) faultCount++
    fault = found
    log(`the disk of ${dir} ${found ? descriptions[found] : 'can be written to again'}`)
  }

  void (async () => {
    while (!signal.aborted) {
      await check().catch(() => undefined)
      await delay(checkMs, undefined, { signal }).catch(() => undefined)
    }
  })()

  return {
    async waitUntilWritable(signal) {
      while (fault && !signal.aborted)
        await delay(checkMs, undefined, { signal }).catch(() => undefined)
    },
    async untilWritableAgain(service, signal) {
      const before = fault ? faultCount - 1 : faultCount
      let hasFailed = false
      const notice = (line: string) => {
        hasFailed ||= writeFailure.test(line)
      }
      service.log.follow(service.log.end(), notice, signal)
      while (!signal.aborted) {
        await delay(checkMs, undefined, { signal }).catch(() => undefined)
        if (!fault && (hasFailed || faultCount > before)) return !signal.aborted
      }
      return false
    },
  }
}

async function findFault(dir: string, current: Fault | undefined): Promise<Fault | undefined> {
  if (await isReadOnly(dir)) return 'read-only'
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize < (current === 'full' ? enoughBytes : fullBytes) ? 'full' : undefined
}

/**
 * Uses `utimes`, because `access` does not notice that the kernel has made a file system read-only
 * after an error of the disk.
 */
async function isReadOnly(dir: string): Promise<boolean> {
  const now = new Date()
  return utimes(dir, now, now).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'EROFS',
  )
}
