import type { EndpointStats } from '../api/system.ts'
import type { Stats } from './discovery.ts'

export interface StatsRow extends EndpointStats {
  name: string
  endpoint: string
  lastError: string
}

export type InstanceRow = StatsRow & { id: string; started: string }
export type SumRow = StatsRow & { instances: number }

export function toRows({ name, id, started, endpoints }: Stats): InstanceRow[] {
  return (endpoints ?? []).map((endpoint) => {
    const data = Object(endpoint.data) as Record<string, unknown>
    return {
      name,
      id,
      started,
      endpoint: endpoint.name,
      requests: endpoint.num_requests,
      errors: endpoint.num_errors,
      processingMs: endpoint.processing_time / 1e6,
      averageMs: endpoint.average_processing_time / 1e6,
      lastError: endpoint.last_error ?? '',
      inFlight: numberIn(data.in_flight),
      queued: numberIn(data.queued),
      shed: numberIn(data.shed),
      p50Ms: numberIn(data.p50_ms),
      p95Ms: numberIn(data.p95_ms),
      p99Ms: numberIn(data.p99_ms),
      recentP50Ms: numberIn(data.recent_p50_ms),
      recentP99Ms: numberIn(data.recent_p99_ms),
    }
  })
}

/**
 * Returns one row for each endpoint. Counters are sums over all instances, and each percentile is
 * that of the slowest instance.
 */
export function toSums(rows: readonly InstanceRow[]): SumRow[] {
  return [...Map.groupBy(rows, ({ name, endpoint }) => `${name} ${endpoint}`).values()].flatMap(
    (group) => {
      const [first] = group
      if (!first) return []
      const requests = sum(group, 'requests') ?? 0
      const processingMs = sum(group, 'processingMs') ?? 0
      return {
        name: first.name,
        endpoint: first.endpoint,
        instances: group.length,
        requests,
        errors: sum(group, 'errors') ?? 0,
        processingMs,
        averageMs: requests === 0 ? 0 : processingMs / requests,
        lastError: group.find(({ lastError }) => lastError)?.lastError ?? '',
        inFlight: sum(group, 'inFlight'),
        queued: sum(group, 'queued'),
        shed: sum(group, 'shed'),
        p50Ms: maxOf(group, 'p50Ms'),
        p95Ms: maxOf(group, 'p95Ms'),
        p99Ms: maxOf(group, 'p99Ms'),
        recentP50Ms: maxOf(group, 'recentP50Ms'),
        recentP99Ms: maxOf(group, 'recentP99Ms'),
      }
    },
  )
}

type Measure = {
  [Key in keyof StatsRow]-?: NonNullable<StatsRow[Key]> extends number ? Key : never
}[keyof StatsRow]

function sum(rows: readonly StatsRow[], key: Measure) {
  const numbers = numbersOf(rows, key)
  return numbers.length === 0 ? undefined : numbers.reduce((total, number) => total + number)
}

function maxOf(rows: readonly StatsRow[], key: Measure) {
  const numbers = numbersOf(rows, key)
  return numbers.length === 0 ? undefined : Math.max(...numbers)
}

function numbersOf(rows: readonly StatsRow[], key: Measure) {
  return rows.map((row) => row[key]).filter((number) => number !== undefined)
}

function numberIn(value: unknown) {
  return typeof value === 'number' ? value : undefined
}
