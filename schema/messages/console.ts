import * as v from 'valibot'
import type { Contract } from '#runtime'
import { NotifyId, Time } from '../ids.ts'

const Count = v.number()
/**
 * A duration in milliseconds. Absent for NATS micro services that are not functions of this
 * runtime.
 */
const Ms = v.optional(v.number())

const serviceStats = {
  requests: Count,
  errors: Count,
  processingMs: Count,
  inFlight: v.optional(Count),
  queued: v.optional(Count),
  shed: v.optional(Count),
  p50Ms: Ms,
  p95Ms: Ms,
  p99Ms: Ms,
  /**
   * `recentP50Ms` and `recentP99Ms` are percentiles of the calls in the last 10 to 20 s, if the
   * statistics are read every 10 s. If they are read less often, the period is longer.
   */
  recentP50Ms: Ms,
  recentP99Ms: Ms,
  lastError: v.string(),
}

export const ServiceSum = v.object({
  name: v.string(),
  service: v.string(),
  description: v.string(),
  versions: v.array(v.string()),
  trigger: v.string(),
  subject: v.string(),
  queue: v.string(),
  audience: v.array(v.string()),
  /**
   * Start time of the newest instance. Sums that were read before this time do not include the
   * instance, so they cannot be compared with later sums.
   */
  since: v.string(),
  instances: Count,
  ...serviceStats,
})
export type ServiceSum = v.InferOutput<typeof ServiceSum>

export const ServiceInstance = v.object({
  id: v.string(),
  version: v.string(),
  process: v.string(),
  started: v.string(),
  ...serviceStats,
})
export type ServiceInstance = v.InferOutput<typeof ServiceInstance>

/**
 * `console.services`: returns the running services with their statistics, as many as fit into one
 * response (about 1,000).
 */
export const consoleServices = {
  subject: 'console.services',
  input: v.strictObject({}),
  output: v.object({ at: Time, services: v.array(ServiceSum) }),
  audience: ['admin'],
  description: 'Lists the running services with their statistics',
} as const satisfies Contract

/** `console.service`: returns up to 500 instances of a service. */
export const consoleService = {
  subject: 'console.service',
  input: v.strictObject({ name: v.pipe(v.string(), v.regex(/^[\w.-]{1,200}$/)) }),
  output: v.object({ at: Time, instances: v.array(ServiceInstance) }),
  audience: ['admin'],
  description: 'Lists the instances of a service',
  errors: ['not_found'],
} as const satisfies Contract

const DeadLetterSeq = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

export const DeadLetter = v.object({
  seq: Count,
  service: v.string(),
  reason: v.string(),
  stream: v.string(),
  subject: v.string(),
  sequence: Count,
  deliveries: Count,
  at: Time,
  bytes: Count,
})
export type DeadLetter = v.InferOutput<typeof DeadLetter>

/** `console.dead`: returns a page of the dead letters after the sequence `after`, oldest first. */
export const consoleDead = {
  subject: 'console.dead',
  input: v.strictObject({
    after: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
    limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(100)), 50),
  }),
  output: v.object({ letters: v.array(DeadLetter), total: Count, hasMore: v.boolean() }),
  audience: ['admin'],
  description: 'Lists the dead letters',
} as const satisfies Contract

/**
 * `console.replay`: passes a dead letter to its function again, and deletes it if the function
 * succeeds. If the function fails, the dead letter is kept, and the call returns `conflict` with
 * the reason. `done` is false if the dead letter does not exist.
 */
export const consoleReplay = {
  subject: 'console.replay',
  input: v.strictObject({ seq: DeadLetterSeq }),
  output: v.object({ done: v.boolean() }),
  audience: ['admin'],
  description: 'Delivers a dead letter to its function again',
  errors: ['conflict'],
  timeoutMs: 70_000,
} as const satisfies Contract

/** `console.discard`: deletes a dead letter. `done` is false if the dead letter does not exist. */
export const consoleDiscard = {
  subject: 'console.discard',
  input: v.strictObject({ seq: DeadLetterSeq }),
  output: v.object({ done: v.boolean() }),
  audience: ['admin'],
  description: 'Deletes a dead letter',
} as const satisfies Contract

export const Span = v.object({
  id: v.string(),
  parent: v.optional(v.string()),
  name: v.string(),
  kind: v.string(),
  version: v.string(),
  /**
   * Start in milliseconds since the Unix epoch, by the clock of the process that recorded the span.
   */
  at: v.number(),
  ms: v.number(),
  code: v.optional(v.string()),
  batch: v.optional(Count),
})
export type Span = v.InferOutput<typeof Span>

export const ConsoleSpan = v.object({
  ...Span.entries,
  process: v.string(),
  error: v.optional(v.string()),
})
export type ConsoleSpan = v.InferOutput<typeof ConsoleSpan>

/**
 * `console.traces`: returns up to 50 traces, newest first, without calls of the console itself.
 * Each process stores the failed calls, the slow calls, the calls in traces that a client has
 * begun, and a sample of all other calls.
 */
export const consoleTraces = {
  subject: 'console.traces',
  input: v.strictObject({ only: v.optional(v.picklist(['failed', 'slow'])) }),
  output: v.object({
    traces: v.array(v.object({ id: v.string(), spans: v.array(ConsoleSpan) })),
  }),
  audience: ['admin'],
  description: 'Lists the newest traces',
} as const satisfies Contract

/**
 * `msg.trace`: returns the trace of a message that the caller sent. Spans are stored for a limited
 * time, and only if the client traced its call of `send`.
 */
export const msgTrace = {
  subject: 'msg.trace',
  input: v.strictObject({ notifyId: NotifyId }),
  output: v.object({
    /**
     * Creation time of the message by the client's clock, which a UUIDv7 contains. Absent if the
     * client id is no UUIDv7.
     */
    writtenAt: v.optional(Time),
    /** Time when `send` accepted the message. */
    at: Time,
    /**
     * Time when the stream CHAT_MESSAGES stored the message. Absent if the stream no longer has it.
     */
    storedAt: v.optional(Time),
    spans: v.array(Span),
  }),
  audience: ['admin', 'user'],
  description: 'Returns the trace of a message of the caller',
  errors: ['forbidden'],
} as const satisfies Contract
