import type { NatsAddress } from '../nats/address.ts'
import { readHealthAddress, readRuntimeConfig, readWebhookAddress } from '../server/config.ts'
import { watchFaults } from '../server/faults.ts'
import { readyMetric, watchProcess } from '../server/metrics.ts'
import { type Runtime, startRuntime } from '../server/run.ts'
import { exportSpans } from '../tracing/export.ts'
import { CliError } from './failure.ts'
import { type Health, serveHealth } from './health.ts'
import { answerHealthQueries } from './instance-health.ts'
import { answerQueries } from './instance-query.ts'
import { createLog } from './log.ts'
import { note } from './output.ts'
import { describeProblem, problemsOf } from './problems.ts'
import { notifyReady } from './ready.ts'
import { shrinkHeapWhenIdle } from './shrink-heap.ts'
import { answerPings } from './sign-of-life.ts'
import { onStop } from './stop-signals.ts'
import { type AnswerWebhook, reject, serveWebhooks } from './webhooks.ts'

export interface ServeOptions {
  folders: readonly string[]
  env: NodeJS.ProcessEnv
  name?: string | undefined
  nats?: NatsAddress | undefined
  migrates?: boolean
}

/**
 * Serves folders in this process. Exits with 0 after a signal. Exits with 1 after an uncaught
 * exception, or if the NATS connection is closed and will not reconnect. Throws a CliError that
 * lists the files that cannot be loaded.
 */
export async function serveFolders(options: ServeOptions): Promise<void> {
  const { folders, env, name, nats, migrates = true } = options
  // The number of this process; undefined if no supervisor has started it.
  const instance = env.NATTER_INSTANCE
  const log = createLog(env)

  const stopRequest = Promise.withResolvers<string>()
  let runtime: Runtime | undefined
  let isStopping = false
  let importing: string | undefined
  const stop = (reason: string) => {
    importing = undefined
    isStopping = true
    // While not all functions are served yet, a stop ends the process at once: there is nothing to
    // drain.
    if (!runtime) process.exit(0)
    stopRequest.resolve(reason)
  }
  onStop(stop)
  let exitCode = 0
  watchFaults(log, folders, () => {
    exitCode = 1
    importing = undefined
    isStopping = true
    if (!runtime) process.exit(1)
    stopRequest.resolve('uncaught exception')
  })
  answerPings()
  // Without a supervisor, SIGHUP means that the terminal was closed. If this process has a
  // supervisor, it ignores SIGHUP, which the supervisor handles.
  process.on('SIGHUP', () => instance === undefined && stop('SIGHUP'))

  // Reports a file that calls process.exit(0) when it is imported. Without the report, the exit
  // would look like a regular stop.
  process.on('exit', () => {
    if (importing === undefined) return
    note(`error: ${importing} ends the process when it is imported`)
    process.exitCode = 1
  })

  const read = readRuntimeConfig(env)
  const config = { ...read, name: name ?? read.name, nats: nats ?? read.nats }
  const healthAddress = readHealthAddress(env)
  if (healthAddress) {
    const processMetrics = watchProcess()
    const health: Health = {
      async notReady() {
        if (isStopping) return 'draining'
        if (!runtime) return 'starting'
        return runtime.isConnected ? undefined : 'NATS is disconnected'
      },
      async metrics() {
        const isReady = (await health.notReady()) === undefined
        return [readyMetric(isReady), ...processMetrics(), ...((await runtime?.metrics()) ?? [])]
      },
    }
    if (instance === undefined) await serveHealth(healthAddress, health)
    else answerHealthQueries(health)
  }
  const webhookAddress = readWebhookAddress(env)
  if (webhookAddress) {
    const answer: AnswerWebhook = async (call) =>
      runtime && !isStopping
        ? runtime.callWebhook(call)
        : reject('unavailable', isStopping ? 'The process is stopping' : 'The process is starting')
    if (instance === undefined) await serveWebhooks(webhookAddress, answer)
    else answerQueries({ webhook: answer })
  }
  const spanExport = await exportSpans(env, config.name, log)
  const onImport = (file: string | undefined) => {
    importing = file
  }
  runtime = await startRuntime({ folders, config, log, onImport, migrates, spanExport }).catch(
    (error) => {
      throw explain(error)
    },
  )
  const functions = runtime.functions.length
  log.info({ functions }, instance === undefined ? 'ready' : 'instance ready')
  notifyReady()
  shrinkHeapWhenIdle()

  const reason = await Promise.race([stopRequest.promise, runtime.closed])
  if (reason === undefined) {
    log.fatal('the connection is closed')
    process.exit(1)
  }
  log.info({ reason }, 'stopping')
  await runtime.stop()
  await spanExport?.stop()
  log.info('stopped')
  process.exit(exitCode)
}

function explain(error: unknown): unknown {
  const problems = problemsOf(error)
  return problems
    ? new CliError(['cannot start:', ...problems.map(describeProblem)].join('\n'))
    : error
}
