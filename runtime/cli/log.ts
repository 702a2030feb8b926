import { type Logger, pino } from 'pino'
import { CliError } from './failure.ts'

const lostOutput = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EPIPE']
const levels = [...Object.keys(pino.levels.values), 'silent']

export function createLog(env: NodeJS.ProcessEnv): Logger {
  const level = env.LOG_LEVEL || 'info'
  if (!levels.includes(level))
    throw new CliError(`LOG_LEVEL is "${level}": use one of ${levels.join(', ')}`)
  const { NATTER_INSTANCE: instance } = env
  const options =
    instance === undefined ? { level } : { level, base: { pid: process.pid, instance } }
  const output = pino.destination(1)
  // An error while writing the log, for example on a full disk, must not end the process.
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (!lostOutput.includes(error.code ?? '')) throw error
  })
  return pino(options, output)
}
