import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * Runs a command of node_modules/.bin or of the machine, sharing this terminal. Returns its exit
 * code, 128 and the signal's number for one that a signal ended. Throws if it cannot be started.
 */
export function run(command: string, args: string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(command, args, { stdio: 'inherit', env, shell: process.platform === 'win32' })
  // A terminal's Ctrl-C reaches the child by itself; what is sent to this process alone does not.
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  process.on('SIGTERM', forward).on('SIGINT', forward)

  return new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) =>
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']),
    )
  }).finally(() => process.off('SIGTERM', forward).off('SIGINT', forward))
}
