import { type Logger, pino } from 'pino'
import { CliError } from './failure.ts'

const levels = [...Object.keys(pino.levels.values), 'silent']

/** Creates a logger that writes JSON lines on stdout, from the level `LOG_LEVEL` up (default: `info`). */
export function createLog(env: NodeJS.ProcessEnv): Logger {
  const level = env.LOG_LEVEL || 'info'
  if (!levels.includes(level))
    throw new CliError(`LOG_LEVEL is "${level}": use one of ${levels.join(', ')}`)
  const { NATTER_INSTANCE: instance } = env
  return pino(instance === undefined ? { level } : { level, base: { pid: process.pid, instance } })
}
