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
import type { Requester } from '../client/requester.ts'
import { readLast } from '../jetstream/api.ts'
import { writeHeaders } from '../nats/headers.ts'

const timeoutMs = 500
const [failuresToOpen, openMs] = [5, 2_000]

/** One counter per function, caller and window. The server adds, so concurrent updates do not race. */
export const rateLimit = {
  stream: 'RATE_LIMIT',
  subjects: ['limit.*.*.*'],
  config: {
    storage: 'memory',
    max_msgs_per_subject: 1,
    // The counter of a window is also read during the next one.
    max_age: (2 * maxLimitWindowMs + 10_000) * 1e6,
    allow_msg_counter: true,
    allow_direct: true,
  },
} as const satisfies StreamDeclaration

/** Counters that are shared by all instances. */
export interface SharedCounter {
  /** Adds to a counter and returns its new value. Throws when the server does not answer in time. */
  add(subject: string, by: number): Promise<number>
  /** Returns the value of a counter; 0 if it does not exist. */
  read(subject: string): Promise<number>
}

/**
 * Creates counters in JetStream behind a circuit breaker: it opens after five consecutive failures, and
 * after two seconds one probe decides whether it closes.
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
    // Calls during the probe would have to wait for it.
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
