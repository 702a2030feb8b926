import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
} from 'cockatiel'
import type { Logger } from 'pino'
import type { StreamDeclaration } from '../api/contract.ts'
import type { Requester } from '../client/requester.ts'
import { readLast } from '../jetstream/api.ts'
import { writeHeaders } from '../nats/headers.ts'

/** The longest window that calls are counted over, in milliseconds. */
export const maxWindowMs = 60_000
const timeoutMs = 500
const [failuresToOpen, openMs] = [5, 2_000]

/** One counter for each function, caller and window; the server adds up, so nobody races. */
export const rateLimit = {
  stream: 'RATE_LIMIT',
  subjects: ['limit.*.*.*'],
  config: {
    storage: 'memory',
    max_msgs_per_subject: 1,
    // A window counts into the one after it.
    max_age: (2 * maxWindowMs + 10_000) * 1e6,
    allow_msg_counter: true,
    allow_direct: true,
  },
} as const satisfies StreamDeclaration

/** Counters that all instances share. */
export interface SharedCounter {
  /** Adds to a counter and answers what it is then. Throws when the server does not answer in time. */
  add(subject: string, by: number): Promise<number>
  /** What a counter is; 0 for none. */
  read(subject: string): Promise<number>
}

/**
 * The counters of JetStream, behind a circuit breaker: after five failures in a row nobody waits for
 * them any more, until after two seconds one probe has found them well.
 */
export function createSharedCounter(requester: Requester, log: Logger): SharedCounter {
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: openMs,
    breaker: new ConsecutiveBreaker(failuresToOpen),
  })
  breaker.onBreak(() => log.warn({ stream: rateLimit.stream }, 'rate limits count locally'))
  breaker.onReset(() => log.info({ stream: rateLimit.stream }, 'rate limits count together again'))
  const guarded = <T>(ask: () => Promise<T>) => {
    // One probe is under way; whoever comes meanwhile would have to wait for it.
    if (breaker.state === CircuitState.HalfOpen) return Promise.reject(new BrokenCircuitError())
    return breaker.execute(ask)
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
