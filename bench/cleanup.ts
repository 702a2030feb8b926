import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export async function createFolder(stack: AsyncDisposableStack): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'natter-bench-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/**
 * Deletes the folders and kills the child processes if this process exits before `stack` is disposed
 * of. The returned function registers the id of a child process to be killed.
 */
export function cleanUpOnExit(stack: AsyncDisposableStack, folders: readonly string[]) {
  const pids: number[] = []
  const cleanUp = () => {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {}
    }
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', cleanUp)
  stack.defer(() => void process.off('exit', cleanUp))
  return (pid: number) => void pids.push(pid)
}
