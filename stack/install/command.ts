import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export const exe = process.platform === 'win32' ? '.exe' : ''

/**
 * Runs a program and returns its stdout. Throws an error with the end of the program's stderr if it
 * fails or takes longer than `within` milliseconds.
 */
export function output(
  command: string,
  args: string[],
  { env = process.env, within = 600_000 }: { env?: NodeJS.ProcessEnv; within?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, timeout: within }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const lines = (stderr || stdout).trim().split('\n')
      const isAbsent = error.code === 'ENOENT'
      const why = isAbsent
        ? 'there is no such program'
        : lines.slice(-5).join('\n') || error.message
      reject(new Error(`${command}: ${why}`, { cause: error }))
    })
  })
}

export async function findOnPath(name: string, env: NodeJS.ProcessEnv) {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name + exe)
    if (folder && (await isExecutable(path))) return path
  }
  return undefined
}

function isExecutable(path: string) {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
