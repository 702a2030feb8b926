import type { ChildProcess } from 'node:child_process'
import type { Health } from './health.ts'
import { answerQueries, queryInstance } from './instance-query.ts'

/**
 * Kubernetes waits for a probe for one second by default, so `notReady` has less time. The metrics
 * have more time, because collecting them includes requests to NATS.
 */
const maxWaitMs = { notReady: 700, metrics: 3_000 }

/** Answers the supervisor's queries about the health of this process. */
export function answerHealthQueries(health: Health): void {
  answerQueries({ notReady: () => health.notReady(), metrics: () => health.metrics() })
}

/** Returns the health of an instance. Its methods throw if the instance does not answer in time. */
export function healthOf(child: ChildProcess): Health {
  const ask = (about: keyof Health) => queryInstance(child, about, undefined, maxWaitMs[about])
  return {
    notReady: () => ask('notReady') as ReturnType<Health['notReady']>,
    metrics: () => ask('metrics') as ReturnType<Health['metrics']>,
  }
}
