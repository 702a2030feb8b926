import type { FunctionGroups } from './functions.ts'
import { faults, oneOf, quantile } from './queries.ts'

export interface Alert {
  name: string
  severity: 'critical' | 'warning'
  /** A PromQL query. The alert fires if its value meets `condition`. */
  value: string
  condition: string
  /**
   * A second PromQL expression, which includes its own condition. The alert fires only for
   * functions for which this expression has a result as well.
   */
  and?: string
  for: string
  labels?: Record<string, string>
  summary: string
  description: string
}

/**
 * Restricts a query to the job `natter` of Prometheus' scrape configuration. Other programs export
 * process metrics with the same names.
 */
const job = 'job="natter"'
const maxSeconds = 1

/** Returns the alerts for a runtime with these functions. */
export function createAlerts(functions: FunctionGroups): Alert[] {
  return [
    ...processAlerts(),
    ...dependencyAlerts(),
    ...callAlerts(functions),
    ...consumerAlerts(functions),
  ]
}

function processAlerts(): Alert[] {
  return [
    {
      name: 'NatterNoRuntimeReady',
      severity: 'critical',
      value: 'sum(natter_ready) or vector(0)',
      condition: '< 1',
      for: '1m',
      summary: 'No runtime is ready',
      description: 'Logins fail, and no function answers.',
    },
    {
      name: 'NatterRuntimeDown',
      severity: 'warning',
      value: `up{${job}}`,
      condition: '== 0',
      for: '3m',
      summary: '{{ $labels.instance }} cannot be scraped',
      description: 'The runtime is stopped, hangs, or is not reachable on its HEALTH_PORT.',
    },
    {
      name: 'NatterRuntimeNotReady',
      severity: 'warning',
      value: 'natter_ready',
      condition: '== 0',
      for: '3m',
      summary: 'A process of {{ $labels.instance }} is not ready',
      description:
        'It is starting or stopping, does not answer, or has lost NATS. /readyz has the reason.',
    },
    {
      name: 'NatterRuntimeRestarts',
      severity: 'warning',
      value: `changes(process_start_time_seconds{${job}}[15m])`,
      condition: '> 2',
      for: '0m',
      summary: '{{ $labels.instance }} has restarted {{ $value }} times in 15 minutes',
      description: 'The process ends again and again, or its supervisor kills it because it hangs.',
    },
    {
      name: 'NatterEventLoopLag',
      severity: 'warning',
      value: `max by (instance, process) (nodejs_eventloop_lag_p99_seconds{${job}})`,
      condition: '> 0.25',
      for: '5m',
      summary: 'The event loop of {{ $labels.instance }} lags by {{ $value | humanizeDuration }}',
      description:
        'All functions of the process wait for one of them, or the machine has too little CPU.',
    },
    {
      name: 'NatterMemory',
      severity: 'warning',
      value: `sum by (instance) (process_resident_memory_bytes{${job}})
/ max by (instance) (process_memory_limit_bytes{${job}})`,
      condition: '> 0.9',
      for: '5m',
      summary: '{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory',
      description: 'The kernel kills the process when it exceeds the memory of its container.',
    },
    {
      name: 'NatterHeap',
      severity: 'warning',
      value: `max by (instance, process) (
  nodejs_heap_size_used_bytes{${job}} / nodejs_heap_size_limit_bytes{${job}}
)`,
      condition: '> 0.85',
      for: '5m',
      summary: 'The heap of {{ $labels.instance }} is {{ $value | humanizePercentage }} full',
      description: 'Node ends the process when the heap reaches its limit.',
    },
  ]
}

function dependencyAlerts(): Alert[] {
  return [
    {
      name: 'NatterNatsDisconnected',
      severity: 'critical',
      value: 'min by (instance) (natter_nats_connected)',
      condition: '== 0',
      for: '1m',
      summary: '{{ $labels.instance }} has lost NATS',
      description: 'It receives no calls, and is not ready.',
    },
    {
      name: 'NatterDependencyUnavailable',
      severity: 'critical',
      value: 'min by (dependency, instance) (natter_dependency_available)',
      condition: '== 0',
      for: '1m',
      summary: '{{ $labels.dependency }} does not answer {{ $labels.instance }}',
      description: 'Calls that need it fail with unavailable, and consumers wait.',
    },
    {
      name: 'NatterStorageFailing',
      severity: 'critical',
      value: 'sum by (storage) (increase(natter_storage_failures_total[2m]))',
      condition: '> 0',
      for: '2m',
      summary: 'The storage {{ $labels.storage }} fails',
      description: 'Data cannot be stored or read. The disk may be full or read-only.',
    },
  ]
}

function callAlerts({ untimed, limits, logins, consumers }: FunctionGroups): Alert[] {
  const others = [...limits.values()].flat()
  const special = [...untimed, ...others].toSorted()
  return [
    {
      name: 'NatterErrors',
      severity: 'warning',
      value: errorRatio(`{${oneOf([...consumers, ...logins].toSorted(), '!~')}}`),
      condition: '> 0.05',
      and: manyFailures(),
      for: '5m',
      summary: '{{ $value | humanizePercentage }} of the calls of {{ $labels.function }} fail',
      description: 'With internal, unavailable, overloaded or timeout.',
    },
    ...(logins.length === 0
      ? []
      : [
          {
            name: 'NatterLoginErrors',
            severity: 'critical' as const,
            value: errorRatio(`{${oneOf(logins)}}`),
            condition: '> 0.05',
            and: manyFailures(),
            for: '2m',
            summary: '{{ $value | humanizePercentage }} of the logins fail',
            description:
              'Not counting logins that are refused, such as those with an expired token.',
          },
        ]),
    slow(maxSeconds, `{${oneOf(special, '!~')}}`),
    ...[...limits].map(([seconds, names]) => slow(seconds, `{${oneOf(names)}}`)),
    {
      name: 'NatterOverloaded',
      severity: 'warning',
      value: 'sum by (function) (rate(natter_call_failures_total{code="overloaded"}[5m]))',
      condition: '> 0',
      for: '2m',
      summary: '{{ $labels.function }} rejects {{ $value | humanize }} calls per second',
      description: 'More calls wait than the function accepts, in all or of one user.',
    },
    {
      name: 'NatterQueueFilling',
      severity: 'warning',
      value: 'max by (function) (natter_calls_queued / natter_calls_queue_limit)',
      condition: '> 0.4',
      for: '2m',
      summary: 'The queue of {{ $labels.function }} is {{ $value | humanizePercentage }} full',
      description: 'Calls arrive faster than they are handled. Further calls will be rejected.',
    },
  ]
}

function consumerAlerts({ consumers, schedules }: FunctionGroups): Alert[] {
  if (consumers.length === 0) return []
  return [
    {
      name: 'NatterDeadLetters',
      severity: 'warning',
      value: 'max by (service) (natter_dead_letters)',
      condition: '> 0',
      for: '0m',
      summary: '{{ $labels.service }} has {{ $value }} dead letters',
      description: 'The function could not process these messages. They wait for a decision.',
    },
    {
      name: 'NatterConsumerFailing',
      severity: 'warning',
      value: `sum by (function) (
  increase(natter_call_failures_total{${oneOf(consumers)},${faults}}[5m])
)`,
      condition: '> 0',
      for: '10m',
      summary: '{{ $labels.function }} fails to process messages',
      description: 'The messages are tried again, and become dead letters after the last attempt.',
    },
    {
      name: 'NatterConsumerRedelivering',
      severity: 'warning',
      value: 'max by (function) (natter_consumer_redelivered_messages)',
      condition: '> 0',
      for: '10m',
      summary: '{{ $value }} messages of {{ $labels.function }} are delivered again and again',
      description: 'The function fails, or its process ends, before it acknowledges them.',
    },
    {
      name: 'NatterConsumerStalled',
      severity: 'critical',
      value: 'max by (function) (natter_consumer_pending_messages)',
      condition: '> 0',
      and: 'sum by (function) (increase(natter_calls_total[5m])) == 0',
      for: '5m',
      summary: '{{ $labels.function }} has {{ $value }} messages and processes none',
      description: 'No process has finished a message for five minutes.',
    },
    {
      name: 'NatterConsumerLagging',
      severity: 'warning',
      value: 'max by (function) (natter_consumer_pending_messages)',
      condition: '> 1000',
      for: '10m',
      summary: '{{ $labels.function }} has {{ $value }} messages to process',
      description: 'Messages arrive faster than they are processed.',
    },
    ...[...schedules].map(([minutes, names]) => missedSchedule(minutes, names)),
  ]
}

function slow(seconds: number, selector: string): Alert {
  return {
    name: 'NatterSlowCalls',
    severity: 'warning',
    value: quantile(0.99, selector, '5m'),
    condition: `> ${seconds}`,
    for: '10m',
    labels: { limit: `${seconds}s` },
    summary: '{{ $labels.function }} takes {{ $value | humanizeDuration }} (99th percentile)',
    description: `One call of a hundred takes longer than ${seconds} s.`,
  }
}

function missedSchedule(minutes: number, names: readonly string[]): Alert {
  const calls = `natter_calls_total{${oneOf(names)}}`
  return {
    name: 'NatterScheduleMissed',
    severity: 'warning',
    value: `sum by (function) (increase(${calls}[${minutes}m]))`,
    condition: '== 0',
    // Fires only if the function was already served `minutes` ago. If it was added later, perhaps
    // no scheduled run has been due yet.
    and: `sum by (function) (${calls} offset ${minutes}m) >= 0`,
    for: '5m',
    labels: { window: `${minutes}m` },
    summary: '{{ $labels.function }} did not run on schedule',
    description: `In ${minutes} minutes, no run has succeeded or become a dead letter.`,
  }
}

function errorRatio(selector: string) {
  const failures = `natter_call_failures_total${selector.replace('}', `,${faults}}`)}`
  return `sum by (function) (rate(${failures}[5m]))
/ sum by (function) (rate(natter_calls_total${selector}[5m]))`
}

/** Requires more than five failures, because one failure among few calls is no reason for an alert. */
function manyFailures() {
  return `sum by (function) (increase(natter_call_failures_total{${faults}}[5m])) > 5`
}
