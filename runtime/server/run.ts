import { hostname } from 'node:os'
import { relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import type { FunctionInfo } from '../api/context.ts'
import { FunctionError } from '../api/errors.ts'
import { describeIssues, validateEnv } from '../api/validate.ts'
import { createRequester } from '../client/requester.ts'
import { Partitions } from '../jetstream/partitions.ts'
import { watchStalledStreams } from '../jetstream/publish.ts'
import { ensureResources, type Resources } from '../jetstream/resources.ts'
import { ConnectionLabels } from '../monitoring/connection-labels.ts'
import { ClientConnections } from '../monitoring/connections.ts'
import { createSystem } from '../monitoring/system.ts'
import { connectToNats } from '../nats/connect.ts'
import { ConnectionState } from '../nats/connection-state.ts'
import { pauseDeliveries } from '../nats/move.ts'
import { Dependencies, retryUntilAvailable } from '../nats/retry.ts'
import { createSharedCounter, type SharedCounter } from '../rate-limit/counter.ts'
import { Limiter } from '../rate-limit/limiter.ts'
import { serveSpans } from '../tracing/collect-spans.ts'
import type { SpanExport } from '../tracing/export.ts'
import { SpanStore } from '../tracing/span-store.ts'
import type { Backbone } from './backbone.ts'
import { Audience, serveCancellation } from './cancellation.ts'
import type { RuntimeConfig } from './config.ts'
import { DependencyChecks } from './dependency-checks.ts'
import type { Served } from './endpoint.ts'
import { FunctionHost } from './function-host.ts'
import {
  LoadError,
  type LoadedFunction,
  type LoadOptions,
  type LoadProblem,
  loadFolders,
  type Setup,
} from './load.ts'
import { type Metric, runtimeMetrics } from './metrics.ts'
import { runMigrations } from './migrate.ts'
import { announceFunctions } from './other-functions.ts'
import { requiredResources } from './required-resources.ts'
import { reconcileSchedules, repeatAfterStart } from './schedules.ts'
import { serveFunction } from './serve.ts'
import { ConnectionSpread } from './spread.ts'
import { checkStoredPositions } from './stored-positions.ts'
import { TrafficGuard } from './traffic-guard.ts'
import { createWebhooks, type WebhookAnswer, type WebhookCall } from './webhooks.ts'

export interface RuntimeOptions {
  folders: readonly string[]
  config: RuntimeConfig
  log: Logger
  onImport?: LoadOptions['onImport']
  /**
   * Whether to run `migrate` of each `_setup.ts`, for example to change the database schema. If
   * false, `runtime migrate` must have run before.
   */
  migrates?: boolean
  spanExport?: SpanExport | undefined
}

export interface Runtime extends AsyncDisposable {
  readonly functions: readonly FunctionInfo[]
  /** False while a connection to NATS is lost. */
  readonly isConnected: boolean
  metrics(): Promise<Metric[]>
  /** Calls the function whose option `webhook` is the path of the call. Never rejects. */
  callWebhook(call: WebhookCall): Promise<WebhookAnswer>
  /** Leaves the queue groups, finishes calls in flight, and closes the connection. Idempotent. */
  stop(): Promise<void>
  readonly closed: Promise<void>
}

const finalFlushMs = 1_000

/**
 * Loads the functions of the folders and serves them until `stop`. Retries for about one minute if a
 * dependency is unavailable. Throws a LoadError for invalid files.
 */
export async function startRuntime({
  folders,
  config,
  log,
  onImport,
  migrates = true,
  spanExport,
}: RuntimeOptions): Promise<Runtime> {
  await using started = new AsyncDisposableStack()
  const { functions, setups } = await loadFolders(folders, {
    importMs: config.importMs,
    onImport,
  })
  const envs = readEnvs(functions, config.env)

  const dependencies = started.use(new Dependencies(log))
  const checks = new DependencyChecks(log)
  const resources = requiredResources(functions)
  const partitions = new Partitions(config.partitions, resources.streams)
  // Waits for NATS and the dependencies of the setups in parallel, because they may become
  // available in any order.
  const [{ nc, js, requester }] = await Promise.all([
    connectToJetStream({ config, resources, partitions, dependencies, log }, started),
    runSetups({ setups, config, dependencies, checks, log, migrates }, started),
  ])
  await checkStoredPositions({ js, requester, partitions }, functions, { dependencies, log })
  const { replicas } = config
  const ensure = () =>
    retryUntilAvailable('JetStream', log, () =>
      ensureResources(js, resources, { update: false, log, replicas, partitions }),
    )
  let ensuring: Promise<void> | undefined
  const ensureOnce = () => {
    ensuring ??= ensure().finally(() => {
      ensuring = undefined
    })
    return ensuring
  }

  const connections = new ClientConnections()
  const labels = new ConnectionLabels(nc)
  const connectionState = new ConnectionState()
  connectionState.watch(nc)
  const spans = new SpanStore()
  const processName = `${hostname()}:${process.pid}`
  started.use(serveSpans(nc, spans, processName))
  const backbone: Backbone = {
    nc,
    js,
    requester,
    partitions,
    functions: functions.map(describe),
    spans,
    system: createSystem({ nc, requester, connections, labels, spanExport }),
    connections,
    labels,
    connectionState,
    guard: new TrafficGuard(nc, connections, log),
    ensureResources: ensureOnce,
    audience: new Audience(nc),
    process: processName,
  }
  const reconcile = () => reconcileSchedules(backbone, functions, log)
  void recreateResources(nc, () => ensureOnce().then(reconcile), log)
  const counter = createSharedCounter(requester, log)
  const served: Served[] = []
  started.defer(() => drain(nc, served, config.drainMs))
  for (const loaded of functions) {
    const child = log.child({ function: loaded.name })
    const limiter = limiterOf(loaded, counter, config)
    const host = new FunctionHost(loaded, backbone, envs.get(loaded), child, limiter)
    await loaded.definition.options.beforeServe?.({ env: host.env, log: child })
    served.push(await serveFunction(host, config, child))
  }
  serveCancellation(nc, backbone.guard, () => served.map(({ dispatcher }) => dispatcher))
  announceFunctions(nc, backbone.functions)
  await nc.flush()
  started.use(repeatAfterStart(reconcile))
  if (config.spreads) started.use(new ConnectionSpread({ backbone, served, log }))

  const running = started.move()
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= running.disposeAsync()
    return stopped
  }
  const closed = nc.closed().then((error) => {
    if (error) log.error({ err: error }, 'connection closed with an error')
  })
  return {
    functions: backbone.functions,
    get isConnected() {
      return connectionState.isConnected
    },
    metrics: () =>
      runtimeMetrics({ served, isConnected: connectionState.isConnected, requester, checks }),
    callWebhook: createWebhooks(functions, requester),
    stop,
    closed,
    [Symbol.asyncDispose]: stop,
  }
}

interface Start {
  config: RuntimeConfig
  dependencies: Dependencies
  log: Logger
}

async function connectToJetStream(
  {
    config,
    resources,
    partitions,
    dependencies,
    log,
  }: Start & { resources: Resources; partitions: Partitions },
  started: AsyncDisposableStack,
) {
  const nc = await dependencies.wait('NATS', () => connectToNats(config.nats, config.name))
  // If a setup has failed meanwhile, `started` is already disposed, and will not close this
  // connection. So the connection is closed here.
  if (started.disposed) await nc.close()
  started.defer(async () => {
    // Flushes first, because closing would discard messages that are not yet written to the socket.
    await Promise.race([nc.flush(), sleep(finalFlushMs)]).catch(() => undefined)
    await nc.close()
  })
  const requester = createRequester(nc)
  started.defer(() => requester.close())
  watchStalledStreams(requester, (stream, isStalled) => {
    if (isStalled)
      log.error(
        { stream },
        'nats-server stores no messages, and its log names the path: make space on its disk, or make it writable, and restart nats-server',
      )
    else log.info({ stream }, 'nats-server stores messages again')
  })
  const js = jetstream(nc)
  await dependencies.wait('JetStream', () =>
    ensureResources(js, resources, {
      update: true,
      log,
      replicas: config.replicas,
      partitions,
    }),
  )
  return { nc, js, requester }
}

async function runSetups(
  {
    setups,
    config,
    dependencies,
    checks,
    log,
    migrates,
  }: Start & { setups: readonly Setup[]; checks: DependencyChecks; migrates: boolean },
  started: AsyncDisposableStack,
) {
  if (migrates) await runMigrations(setups, config, log, dependencies)
  for (const { file, run } of setups) {
    const dependency = `a dependency of ${relative('', file)}`
    const setup = await dependencies.wait(dependency, async () => run({ log, env: config.env }))
    if (!setup) continue
    started.use(setup)
    checks.add(file, setup.dependencies)
  }
}

function describe({ name, trigger, subject, audience }: LoadedFunction): FunctionInfo {
  return { name, trigger, ...(subject === undefined ? {} : { subject, audience: audience ?? [] }) }
}

function limiterOf(
  { service, definition }: LoadedFunction,
  counter: SharedCounter,
  { limitFactor, limitFallback: fallback }: RuntimeConfig,
) {
  const { limit } = definition.options
  if (!limit) return undefined
  const max = Math.max(1, Math.round(limit.max * limitFactor))
  return new Limiter({ counter, service, limit: { ...limit, max }, fallback })
}

function readEnvs(functions: readonly LoadedFunction[], env: RuntimeConfig['env']) {
  const envs = new Map<LoadedFunction, unknown>()
  const problems: LoadProblem[] = []
  for (const loaded of functions) {
    const schema = loaded.definition.options.env
    if (!schema) continue
    const result = validateEnv(schema, env)
    if (result.issues)
      problems.push({
        file: loaded.file,
        export: 'default.env',
        reason: `invalid environment: ${describeIssues(result.issues)}`,
      })
    else envs.set(loaded, result.value)
  }
  if (problems.length > 0) throw new LoadError(problems)
  return envs
}

/**
 * Runs `ensure` after each reconnect, because a restarted server has lost its in-memory streams.
 */
async function recreateResources(nc: NatsConnection, ensure: () => Promise<void>, log: Logger) {
  for await (const { type } of nc.status())
    if (type === 'reconnect')
      await ensure().catch((err) => log.error({ err }, 'streams and buckets not recreated'))
}

async function drain(
  nc: NatsConnection,
  served: readonly Served[],
  budgetMs: number,
): Promise<void> {
  // Without this pause, nats.js would drop messages that the server has already sent to the
  // consumers. The server would then redeliver them to another process only after ten seconds.
  pauseDeliveries(nc)
  await Promise.race([nc.flush(), sleep(finalFlushMs)]).catch(() => undefined)
  const finished = Promise.all(served.map((func) => func.leave())).then(() =>
    Promise.all(served.map((func) => func.dispatcher.idle())),
  )
  const timer = setTimeout(() => {
    const reason = new FunctionError('unavailable', 'The process is stopping; try again')
    for (const { dispatcher } of served) dispatcher.refuseAll(reason)
  }, budgetMs)
  await Promise.race([finished, sleep(budgetMs + 500, undefined, { ref: false })])
  clearTimeout(timer)
}
