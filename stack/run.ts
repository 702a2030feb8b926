import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * Runs a command of node_modules/.bin or PATH in this terminal. Returns its exit code, or 128 plus
 * the signal's number if a signal ended it.
 */
export function run(command: string, args: string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(command, args, { stdio: 'inherit', env, shell: process.platform === 'win32' })
  // Forwards these signals to the child, because they may be sent to this process alone.
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  process.on('SIGTERM', forward).on('SIGINT', forward)

  return new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) =>
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']),
    )
  }).finally(() => process.off('SIGTERM', forward).off('SIGINT', forward))
}
