import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backlog, Served } from './endpoint.ts'
import { bucketBounds, type FunctionStats } from './stats.ts'

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** Is appended to the name of the metric. */
  readonly suffix?: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The time for NATS to answer, after which the metrics are returned without the backlogs. */
const maxBacklogMs = 1_000
const delayResolutionMs = 10

/** Returns the statistics of functions. Asks NATS for the backlogs of consumers only if it is connected. */
export async function functionMetrics(
  served: readonly Served[],
  isConnected: boolean,
): Promise<Metric[]> {
  const backlogs = isConnected ? await readBacklogs(served) : []
  const perFunction = (value: (served: Served) => number) =>
    served.map((func) => ({ labels: { function: func.name }, value: value(func) }))
  const perConsumer = (key: keyof Backlog) =>
    backlogs.map(({ name, backlog }) => ({ labels: { function: name }, value: backlog[key] }))
  return [
    {
      name: 'natter_calls_total',
      help: 'Calls that have ended, including rejected ones; each message of a batch counts.',
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
  ]
}

/** Returns a function that returns metrics of this process, named as in prom-client. */
export function watchProcess(): () => Metric[] {
  const delays = monitorEventLoopDelay({ resolution: delayResolutionMs })
  delays.enable()
  return () => {
    const memory = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    const read = [
      single('counter', 'process_cpu_seconds_total', 'Processor time.', (user + system) / 1e6),
      gauge('process_start_time_seconds', 'Unix time of the start.', performance.timeOrigin / 1e3),
      gauge('process_resident_memory_bytes', 'Resident memory.', memory.rss),
      gauge('nodejs_heap_size_total_bytes', 'Size of the heap.', memory.heapTotal),
      gauge('nodejs_heap_size_used_bytes', 'Used size of the heap.', memory.heapUsed),
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

async function readBacklogs(served: readonly Served[]) {
  const ended = new AbortController()
  const late = sleep(maxBacklogMs, undefined, { signal: ended.signal }).catch(() => undefined)
  const read = await Promise.all(
    served.map(async ({ name, backlog: ask }) => {
      const backlog = await Promise.race([ask?.().catch(() => undefined), late])
      return backlog ? [{ name, backlog }] : []
    }),
  )
  ended.abort()
  return read.flat()
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

/** The measured intervals between two timers contain the resolution, which is no lag. */
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
