import type { ChildProcess } from 'node:child_process'
import type { Health } from './health.ts'
import { answerQueries, queryInstance } from './instance-query.ts'

/**
 * How long the supervisor waits for the answer of an instance. By default, Kubernetes waits one
 * second for the answer to a probe, so `notReady` has less time. `metrics` has more time, because
 * collecting the metrics includes requests to NATS.
 */
const maxWaitMs = { notReady: 700, metrics: 3_000 }

/** Makes this instance answer the supervisor's queries about its health. */
export function answerHealthQueries(health: Health): void {
  answerQueries({ notReady: () => health.notReady(), metrics: () => health.metrics() })
}

/**
 * Lets the supervisor query the health of an instance. The methods throw if no answer comes in
 * time.
 */
export function healthOf(child: ChildProcess): Health {
  const ask = (about: keyof Health) => queryInstance(child, about, undefined, maxWaitMs[about])
  return {
    notReady: () => ask('notReady') as ReturnType<Health['notReady']>,
    metrics: () => ask('metrics') as ReturnType<Health['metrics']>,
  }
}
