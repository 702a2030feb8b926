import { type Logger, pino } from 'pino'
import { CliError } from './failure.ts'

const levels = [...Object.keys(pino.levels.values), 'silent']

/**
 * Creates the log of this process: JSON lines on stdout, from the level `LOG_LEVEL` up (`info` by
 * default). Each line carries the process id and, behind a supervisor, the instance's number.
 */
export function createLog(env: NodeJS.ProcessEnv): Logger {
  const level = env.LOG_LEVEL || 'info'
  if (!levels.includes(level))
    throw new CliError(`LOG_LEVEL is "${level}": use one of ${levels.join(', ')}`)
  const { NATTER_INSTANCE: instance } = env
  return pino(instance === undefined ? { level } : { level, base: { pid: process.pid, instance } })
}
