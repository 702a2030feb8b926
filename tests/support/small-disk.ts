import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

export interface SmallDisk extends AsyncDisposable {
  dir: string
  fill(): void
  free(): Promise<void>
}

export interface FailingDisk extends SmallDisk {
  /**
   * Makes the disk read-only, as the kernel does after a disk error. Open files stay open, but
   * cannot be written.
   */
  makeReadOnly(): void
  /** Mounts the disk for writing again. No process may use the disk during this call. */
  repair(): void
}

/** Only root can mount a disk, and these functions mount it only on Linux. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0
/** A disk that can fail needs loop devices. Some containers have none, and cannot install them. */
export const canFail = canMount && existsSync('/dev/loop-control')
if (!canFail && process.env.CI)
  throw new Error('These tests mount disks that fail, and need root and loop devices')

/** Mounts a disk that can be filled and can fail. Without loop devices, the disk cannot fail. */
export function mountDisk(dir: string, megabytes: number): Promise<SmallDisk | FailingDisk> {
  return (canFail ? mountFailingDisk : mountSmallDisk)(dir, megabytes)
}

export async function mountSmallDisk(dir: string, megabytes: number): Promise<SmallDisk> {
  await mkdir(dir)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir])
  return mounted(dir)
}

/** Mounts a small disk whose content is in a file beside `dir`. */
async function mountFailingDisk(dir: string, megabytes: number): Promise<FailingDisk> {
  await mkdir(dir)
  const image = `${dir}.img`
  execFileSync('truncate', ['--size', `${megabytes}M`, image])
  const device = execFileSync('losetup', ['--find', '--show', image]).toString().trim()
  execFileSync('mkfs.ext4', ['-q', '-m', '0', device])
  const mount = () => execFileSync('mount', ['-o', 'errors=remount-ro', device, dir])
  mount()
  return {
    ...mounted(dir),
    makeReadOnly() {
      // Without `sync`, data that is not yet on the disk would be lost, as after a power cut.
      execFileSync('sync', ['--file-system', dir])
      execFileSync('mount', ['-o', 'remount,abort', dir])
    },
    repair() {
      execFileSync('umount', [dir])
      try {
        execFileSync('e2fsck', ['-fy', device], { stdio: 'ignore' })
      } catch (error) {
        // Exit code 1 means that e2fsck has repaired errors.
        if ((error as { status?: number }).status !== 1) throw error
      }
      mount()
    },
    async [Symbol.asyncDispose]() {
      execFileSync('umount', [dir])
      execFileSync('losetup', ['--detach', device])
    },
  }
}

function mounted(dir: string): SmallDisk {
  const path = join(dir, 'other-data')
  return {
    dir,
    fill() {
      const file = openSync(path, 'w')
      // ext4 reserves more space than it needs until it has written the data. So there may be space
      // again after `fsync`.
      while (writeUntilFull(file) > 0) fsyncSync(file)
      closeSync(file)
    },
    free: () => rm(path, { force: true }),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', [dir])
    },
  }
}

/** Returns the number of bytes that were written. */
function writeUntilFull(file: number): number {
  const block = Buffer.alloc(4_096, 1)
  for (let bytes = 0; ; )
    try {
      bytes += writeSync(file, block)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return bytes
      throw error
    }
}
