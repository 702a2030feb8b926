import { totalmem } from 'node:os'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import type { Requester } from '../client/requester.ts'
import { countDeadLettersByService } from '../jetstream/dead-letters.ts'
import type { DependencyChecks } from './dependency-checks.ts'
import type { Backlog, Served } from './endpoint.ts'
import { bucketBounds, type FunctionStats } from './stats.ts'
import { storages } from './storage-failure.ts'

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** Appended to the name of the metric, such as `_bucket`. */
  readonly suffix?: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface RuntimeState {
  readonly served: readonly Served[]
  readonly isConnected: boolean
  readonly requester: Requester
  readonly checks: DependencyChecks
}

/** A scrape waits this long for all answers of NATS and the other dependencies together. */
const maxAnswerMs = 1_000
const delayResolutionMs = 10

/**
 * Returns the metrics of functions and dependencies. Sends requests to NATS only if the process is
 * connected to it.
 */
export async function runtimeMetrics(state: RuntimeState): Promise<Metric[]> {
  using limit = new TimeLimit(maxAnswerMs)
  const { served, isConnected, requester } = state
  const [dependencies, backlogs, deadLetters] = await Promise.all([
    readDependencies(state.checks, limit),
    isConnected ? readBacklogs(served, limit) : [],
    isConnected ? limit.apply(countDeadLettersByService(requester)) : undefined,
  ])
  return [
    gauge('natter_nats_connected', 'Whether all connections to NATS are open.', +isConnected),
    {
      name: 'natter_dependency_available',
      help: 'Whether a dependency of a _setup.ts answered its check within a second.',
      type: 'gauge',
      samples: dependencies,
    },
    ...functionMetrics(served, backlogs),
    {
      name: 'natter_storage_failures_total',
      help: 'Calls, batches and dead letters that failed because a storage did not store or read data.',
      type: 'counter',
      samples: storages.map((storage) => ({
        labels: { storage },
        value: served.reduce(
          (sum, { dispatcher }) => sum + (dispatcher.stats.storageFailures.get(storage) ?? 0),
          0,
        ),
      })),
    },
    {
      name: 'natter_dead_letters',
      help: 'Stored dead letters by the service name of the function; each process reports the same number.',
      type: 'gauge',
      samples: deadLetters ? deadLetterSamples(served, deadLetters) : [],
    },
  ]
}

/**
 * Returns a metric that tells whether a process is ready, for alerts. For a process that does not
 * answer, the supervisor returns this metric, with `isReady` false.
 */
export function readyMetric(isReady: boolean): Metric {
  return gauge('natter_ready', 'Whether the process serves all functions.', +isReady)
}

interface FunctionBacklog {
  name: string
  backlog: Backlog
}

function functionMetrics(
  served: readonly Served[],
  backlogs: readonly FunctionBacklog[],
): Metric[] {
  const perFunction = (value: (served: Served) => number) =>
    served.map((func) => ({ labels: { function: func.name }, value: value(func) }))
  const perConsumer = (key: keyof Backlog) =>
    backlogs.map(({ name, backlog }) => ({ labels: { function: name }, value: backlog[key] }))
  return [
    {
      name: 'natter_calls_total',
      help: 'Calls that have ended, including rejected ones, and messages that were processed or became dead letters.',
      type: 'counter',
      samples: perFunction(({ dispatcher }) => dispatcher.stats.requests),
    },
    {
      name: 'natter_call_failures_total',
      help: 'Failed calls, failed attempts to process messages, and dead letters, by error code.',
      type: 'counter',
      samples: served.flatMap(({ name, dispatcher }) =>
        [...dispatcher.stats.failures].map(([code, value]) => ({
          labels: { function: name, code },
          value,
        })),
      ),
    },
    {
      name: 'natter_call_duration_seconds',
      help: 'Duration of the calls of a handler; a batch of messages is one call.',
      type: 'histogram',
      samples: served.flatMap(({ name, dispatcher }) => durations(name, dispatcher.stats)),
    },
    {
      name: 'natter_calls_in_flight',
      help: 'Calls that are running.',
      type: 'gauge',
      samples: perFunction(({ dispatcher }) => dispatcher.stats.inFlight),
    },
    {
      name: 'natter_calls_queued',
      help: 'Calls that wait for a free place.',
      type: 'gauge',
      samples: perFunction(({ dispatcher }) => dispatcher.queued),
    },
    {
      name: 'natter_calls_queue_limit',
      help: 'Number of waiting calls at which further calls are rejected with overloaded.',
      type: 'gauge',
      samples: perFunction(({ dispatcher }) => dispatcher.maxQueued),
    },
    {
      name: 'natter_consumer_pending_messages',
      help: 'Messages that the consumer has not delivered yet; each process reports the same number.',
      type: 'gauge',
      samples: perConsumer('pending'),
    },
    {
      name: 'natter_consumer_unacknowledged_messages',
      help: 'Messages that are delivered and not acknowledged; each process reports the same number.',
      type: 'gauge',
      samples: perConsumer('unacknowledged'),
    },
    {
      name: 'natter_consumer_redelivered_messages',
      help: 'Unacknowledged messages that were delivered before; each process reports the same number.',
      type: 'gauge',
      samples: perConsumer('redelivered'),
    },
  ]
}

/** Returns a function that returns metrics of this process, named as in prom-client. */
export function watchProcess(): () => Metric[] {
  const delays = monitorEventLoopDelay({ resolution: delayResolutionMs })
  delays.enable()
  const { heap_size_limit: heapLimit } = getHeapStatistics()
  // If the process has no memory limit, `constrainedMemory` is 0, or more than the memory of the
  // machine.
  const memoryLimit = Math.min(process.constrainedMemory() || totalmem(), totalmem())
  return () => {
    const memory = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    const read = [
      single('counter', 'process_cpu_seconds_total', 'Processor time.', (user + system) / 1e6),
      gauge('process_start_time_seconds', 'Unix time of the start.', performance.timeOrigin / 1e3),
      gauge('process_resident_memory_bytes', 'Resident memory.', memory.rss),
      gauge('process_memory_limit_bytes', 'Memory of the container or machine.', memoryLimit),
      gauge('nodejs_heap_size_total_bytes', 'Size of the heap.', memory.heapTotal),
      gauge('nodejs_heap_size_used_bytes', 'Used size of the heap.', memory.heapUsed),
      gauge('nodejs_heap_size_limit_bytes', 'Maximum size of the heap.', heapLimit),
      gauge('nodejs_external_memory_bytes', 'Memory outside of the heap.', memory.external),
      lag('mean', delays.mean),
      lag('p99', delays.percentile(99)),
      lag('max', delays.max),
    ]
    delays.reset()
    return read
  }
}

/** Returns metrics in the text format of Prometheus, version 0.0.4. */
export function formatMetrics(metrics: readonly Metric[]): string {
  const families = Map.groupBy(metrics, ({ name }) => name)
  return [...families]
    .flatMap(([name, [first, ...others]]) => {
      if (!first) return []
      const samples = [first, ...others].flatMap((metric) => metric.samples)
      return [
        `# HELP ${name} ${first.help}\n# TYPE ${name} ${first.type}\n`,
        ...samples.map((sample) => formatSample(name, sample)),
      ]
    })
    .join('')
}

function formatSample(name: string, { suffix = '', labels, value }: Sample) {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`)
  return `${name}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`
}

/** A time limit for several answers, which needs only one timer. */
class TimeLimit implements Disposable {
  readonly #ended = new AbortController()
  readonly #late: Promise<undefined>

  constructor(ms: number) {
    const { signal } = this.#ended
    this.#late = sleep(ms, undefined, { signal }).catch(() => undefined)
  }

  /** Resolves to undefined if the answer fails or is late. */
  apply<T>(answer: Promise<T> | undefined): Promise<T | undefined> {
    return Promise.race([answer?.catch(() => undefined), this.#late])
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
  }
}

async function readBacklogs(
  served: readonly Served[],
  limit: TimeLimit,
): Promise<FunctionBacklog[]> {
  const read = await Promise.all(
    served.map(async ({ name, backlog: ask }) => {
      const backlog = await limit.apply(ask?.())
      return backlog ? [{ name, backlog }] : []
    }),
  )
  return read.flat()
}

function readDependencies(checks: DependencyChecks, limit: TimeLimit): Promise<Sample[]> {
  return Promise.all(
    checks.run().map(async ({ dependency, isAvailable }) => ({
      labels: { dependency },
      value: (await limit.apply(isAvailable)) ? 1 : 0,
    })),
  )
}

/** Includes functions that have a consumer but no dead letters, with the value 0. */
function deadLetterSamples(served: readonly Served[], counts: Map<string, number>): Sample[] {
  const consumers = served.filter(({ backlog }) => backlog).map(({ service }) => service)
  return [...new Set([...consumers, ...counts.keys()])].map((service) => ({
    labels: { service },
    value: counts.get(service) ?? 0,
  }))
}

function durations(name: string, { buckets, totalMs }: FunctionStats): Sample[] {
  let count = 0
  const cumulative = buckets.map((calls, index) => {
    const bound = bucketBounds[index]
    count += calls
    const le = bound === undefined ? '+Inf' : String(bound / 1e3)
    return { suffix: '_bucket', labels: { function: name, le }, value: count }
  })
  const labels = { function: name }
  return [
    ...cumulative,
    { suffix: '_sum', labels, value: totalMs / 1e3 },
    { suffix: '_count', labels, value: count },
  ]
}

/** Subtracts the resolution of the measurement, which Node includes in each measured delay. */
function lag(statistic: string, ns: number) {
  return gauge(
    `nodejs_eventloop_lag_${statistic}_seconds`,
    `Lag of the event loop since the last scrape (${statistic}).`,
    Math.max(0, (ns || 0) / 1e9 - delayResolutionMs / 1e3),
  )
}

function gauge(name: string, help: string, value: number) {
  return single('gauge', name, help, value)
}

function single(type: Metric['type'], name: string, help: string, value: number): Metric {
  return { name, help, type, samples: [{ labels: {}, value }] }
}
