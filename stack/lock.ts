import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identify, isRunning, type ProcessId } from './process-id.ts'

export interface Lock extends AsyncDisposable {
  release(): Promise<void>
}

export class LockedError extends Error {
  override name = 'LockedError'
  readonly holder: ProcessId

  constructor(file: string, holder: ProcessId) {
    super(`${file} is held by process ${holder.pid}`)
    this.holder = holder
  }
}

/**
 * Creates `file` as a lock of this process. Replaces the lock of a dead process. Throws a
 * `LockedError` while a running process holds the lock.
 */
export async function takeLock(file: string): Promise<Lock> {
  await mkdir(dirname(file), { recursive: true })
  const mine = `${file}.${process.pid}.${crypto.randomUUID()}`
  await writeFile(mine, JSON.stringify(identify(process.pid)), { mode: 0o600 })
  try {
    while (!(await tryLink(mine, file))) await removeStale(file)
  } finally {
    await rm(mine, { force: true })
  }
  const release = () => rm(file, { force: true })
  return { release, [Symbol.asyncDispose]: release }
}

/**
 * Runs `work` while this process holds the lock. Calls `onWait` once if another process holds the lock.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, onWait: () => void) {
  await using _lock = await waitForLock(file, onWait)
  return await work()
}

/** Takes the lock as soon as no other process holds it. Calls `onWait` once if it has to wait. */
export async function waitForLock(file: string, onWait: () => void): Promise<Lock> {
  for (let waits = 0; ; waits++) {
    try {
      return await takeLock(file)
    } catch (error) {
      if (!(error instanceof LockedError)) throw error
      if (waits === 0) onWait()
      // Polls, because a file lock sends no event when it is released.
      await delay(200)
    }
  }
}

async function tryLink(mine: string, file: string) {
  try {
    await link(mine, file)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

async function removeStale(file: string) {
  const holder = await readHolder(file)
  if (!holder) return
  if (isRunning(holder)) throw new LockedError(file, holder)

  // Since the holder was read, another process may have replaced the stale lock by its own. The
  // rename then moves this new lock away. So the moved lock is put back if its holder is running.
  const moved = `${file}.stale.${crypto.randomUUID()}`
  try {
    await rename(file, moved)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return
    throw error
  }
  const was = await readHolder(moved)
  if (was && isRunning(was)) await tryLink(moved, file)
  await rm(moved, { force: true })
}

/** A lock with invalid JSON counts as the lock of a dead process. */
async function readHolder(file: string): Promise<ProcessId | undefined> {
  try {
    const { pid, since } = JSON.parse(await readFile(file, 'utf8'))
    return { pid: Number(pid), since: String(since) }
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    if (error instanceof SyntaxError) return { pid: 0, since: '' }
    throw error
  }
}

function isCode(error: unknown, code: string) {
  return error instanceof Error && 'code' in error && error.code === code
}
