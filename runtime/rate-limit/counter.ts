import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
} from 'cockatiel'
import type { Logger } from 'pino'
import type { StreamDeclaration } from '../api/contract.ts'
import { maxLimitWindowMs } from '../api/define.ts'
import { writeHeaders } from '../api/headers.ts'
import type { Requester } from '../client/requester.ts'
import { readLast } from '../jetstream/api.ts'

const timeoutMs = 500
const [failuresToOpen, openMs] = [5, 2_000]

/** The stream of the shared counters, one on each subject `limit.{service}.{caller}.{window}`. */
export const rateLimit = {
  stream: 'RATE_LIMIT',
  subjects: ['limit.*.*.*'],
  config: {
    storage: 'memory',
    max_msgs_per_subject: 1,
    // A counter is read in its own window and in the next one. The additional ten seconds are for
    // processes whose clocks differ, and for late reads.
    max_age: (2 * maxLimitWindowMs + 10_000) * 1e6,
    allow_msg_counter: true,
    allow_direct: true,
  },
} as const satisfies StreamDeclaration

export interface SharedCounter {
  /** Adds to a counter and returns its new value. Throws if the server does not answer within 500 ms. */
  add(subject: string, by: number): Promise<number>
  read(subject: string): Promise<number>
}

/**
 * Creates counters in JetStream behind a circuit breaker. After five consecutive failures, operations
 * fail at once for two seconds. Then one operation tests whether the server answers again.
 */
export function createSharedCounter(requester: Requester, log: Logger): SharedCounter {
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: openMs,
    breaker: new ConsecutiveBreaker(failuresToOpen),
  })
  breaker.onBreak(() =>
    log.warn({ stream: rateLimit.stream }, 'rate limit counters unavailable, counting locally'),
  )
  breaker.onReset(() =>
    log.info({ stream: rateLimit.stream }, 'rate limit counters available again'),
  )
  const guarded = <T>(operation: () => Promise<T>) => {
    if (breaker.state === CircuitState.HalfOpen) return Promise.reject(new BrokenCircuitError())
    return breaker.execute(operation)
  }

  return {
    add: (subject, by) =>
      guarded(async () => {
        const headers = writeHeaders({ 'Nats-Incr': by < 0 ? String(by) : `+${by}` })
        const reply = await requester.request(subject, '', { headers, timeoutMs })
        const { val, error } = reply.json<{ val?: string; error?: { description: string } }>()
        if (val === undefined) throw new Error(`${subject}: ${error?.description}`)
        return Number(val)
      }),
    read: (subject) =>
      guarded(async () => {
        const last = await readLast(requester, rateLimit.stream, subject, timeoutMs)
        return last ? Number(last.message.json<{ val: string }>().val) : 0
      }),
  }
}
