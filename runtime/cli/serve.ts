import { pino } from 'pino'
import { readConfig } from '../config.ts'
import { startRuntime } from '../run.ts'
import { Failure } from './failure.ts'
import { describeProblem, problemsOf } from './problems.ts'
import { onStop } from './stop-signals.ts'

export interface ServeOptions {
  folder: string
  env: NodeJS.ProcessEnv
  name?: string | undefined
}

/**
 * Serves a folder in this process until it is told to stop, and then exits with 0; with 1 when the
 * connection ends for good. Throws a Failure that lists the files at fault when it cannot start.
 */
export async function serve({ folder, env, name }: ServeOptions): Promise<void> {
  const instance = env.NATTER_INSTANCE
  const log = pino(instance === undefined ? {} : { base: { pid: process.pid, instance } })
  const stopping = Promise.withResolvers<string>()
  onStop(stopping.resolve)
  // The supervisor replaces its instances when it is hung up on; one alone has lost its terminal.
  process.on('SIGHUP', () => instance === undefined && stopping.resolve('SIGHUP'))

  const config = { ...readConfig(env), ...(name === undefined ? {} : { name }) }
  const starting = startRuntime({ folder, config, log })
  // Nothing was promised to anybody before it is ready, so there is nothing to finish.
  stopping.promise.then(() => ready || process.exit(0))
  let ready = false
  const runtime = await starting.catch((error) => {
    const problems = problemsOf(error)
    throw problems
      ? new Failure(['cannot start:', ...problems.map(describeProblem)].join('\n'))
      : error
  })
  ready = true
  log.info(
    { functions: runtime.functions.length },
    instance === undefined ? 'ready' : 'instance ready',
  )
  process.send?.({ natter: 'ready' })

  const reason = await Promise.race([stopping.promise, runtime.closed])
  if (reason !== undefined) {
    log.info({ reason }, 'stopping')
    await runtime.stop()
    log.info('stopped')
    process.exit(0)
  }
  log.fatal('the connection has ended')
  process.exit(1)
}
