import { execFileSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

export interface SmallDisk extends AsyncDisposable {
  dir: string
  fill(): void
  free(): Promise<void>
}

/** Mounting needs root on Linux. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0

export async function mountSmallDisk(dir: string, megabytes: number): Promise<SmallDisk> {
  await mkdir(dir)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir])
  const path = join(dir, 'other-data')
  return {
    dir,
    fill() {
      const file = openSync(path, 'w')
      const block = Buffer.alloc(65_536, 1)
      try {
        for (;;) writeSync(file, block)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(file)
      }
    },
    free: () => rm(path, { force: true }),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', [dir])
    },
  }
}
