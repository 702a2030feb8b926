import * as v from 'valibot'
import type { Contract } from '#runtime'
import { NotifyId, Time } from '../ids.ts'

const Count = v.number()
/** Milliseconds; what is no function may not say. */
const Ms = v.optional(v.number())

const measures = {
  requests: Count,
  errors: Count,
  /** All the time that calls have taken together, in milliseconds. */
  processingMs: Count,
  inFlight: v.optional(Count),
  queued: v.optional(Count),
  shed: v.optional(Count),
  p50Ms: Ms,
  p95Ms: Ms,
  p99Ms: Ms,
  /** The same of the last ten to twenty seconds. */
  recentP50Ms: Ms,
  recentP99Ms: Ms,
  lastError: v.string(),
}

/** A function, or another micro service, over all its instances. Counts are since their start. */
export const ServiceSum = v.object({
  name: v.string(),
  service: v.string(),
  description: v.string(),
  versions: v.array(v.string()),
  trigger: v.string(),
  subject: v.string(),
  queue: v.string(),
  audience: v.array(v.string()),
  /** When its youngest instance started: counts from before and after do not compare. */
  since: v.string(),
  instances: Count,
  ...measures,
})
export type ServiceSum = v.InferOutput<typeof ServiceSum>

export const ServiceInstance = v.object({
  id: v.string(),
  version: v.string(),
  /** Host and process id. */
  process: v.string(),
  started: v.string(),
  ...measures,
})
export type ServiceInstance = v.InferOutput<typeof ServiceInstance>

/**
 * `console.services`: all that answers on `$SRV` now, each over all its instances: about a thousand fit
 * into one answer.
 */
export const consoleServices = {
  subject: 'console.services',
  input: v.strictObject({}),
  output: v.object({ at: Time, services: v.array(ServiceSum) }),
  audience: ['admin'],
  description: 'Shows what runs now, and how much it does',
} as const satisfies Contract

/** `console.service`: the instances of one of them, the first 500 at most. */
export const consoleService = {
  subject: 'console.service',
  input: v.strictObject({ name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)) }),
  output: v.object({ at: Time, instances: v.array(ServiceInstance) }),
  audience: ['admin'],
  description: 'Shows the instances of a function',
  errors: ['not_found'],
} as const satisfies Contract

const LetterSeq = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** What a function could not handle. What somebody wrote in it is not shown. */
export const DeadLetter = v.object({
  /** Its place among the dead letters. */
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

/** `console.dead`: a page of the dead letters after a place, oldest first. */
export const consoleDead = {
  subject: 'console.dead',
  input: v.strictObject({
    after: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
    limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(100)), 50),
  }),
  output: v.object({ letters: v.array(DeadLetter), total: Count, hasMore: v.boolean() }),
  audience: ['admin'],
  description: 'Lists what functions could not handle',
} as const satisfies Contract

/**
 * `console.replay`: has the function that could not handle a dead letter try it again, as it was. It
 * is gone when that has worked; `done` is false where it was gone already. `conflict` says why it
 * failed again, and it stays.
 */
export const consoleReplay = {
  subject: 'console.replay',
  input: v.strictObject({ seq: LetterSeq }),
  output: v.object({ done: v.boolean() }),
  audience: ['admin'],
  description: 'Has a dead letter tried again by its function',
  errors: ['conflict'],
  timeoutMs: 70_000,
} as const satisfies Contract

/** `console.discard`: removes a dead letter for good; `done` is false where it was gone already. */
export const consoleDiscard = {
  subject: 'console.discard',
  input: v.strictObject({ seq: LetterSeq }),
  output: v.object({ done: v.boolean() }),
  audience: ['admin'],
  description: 'Removes a dead letter for good',
} as const satisfies Contract

/** One step of a trace. Times are those of the process's own clock. */
export const Span = v.object({
  id: v.string(),
  parent: v.optional(v.string()),
  /** A function, or the subject that something was stored on. */
  name: v.string(),
  /** `request`, `event`, `stream`, …; `append` for what was stored. */
  kind: v.string(),
  version: v.string(),
  /** Milliseconds since the epoch, with fractions. */
  at: v.number(),
  ms: v.number(),
  code: v.optional(v.string()),
  /** With how many messages at once, for a stream. */
  batch: v.optional(Count),
})
export type Span = v.InferOutput<typeof Span>

/** The same for administrators, who see where it ran and what it failed with. */
export const ConsoleSpan = v.object({
  ...Span.entries,
  process: v.string(),
  error: v.optional(v.string()),
})
export type ConsoleSpan = v.InferOutput<typeof ConsoleSpan>

/**
 * `console.traces`: the 50 newest traces that processes remember, newest first, or as many as fit into one
 * answer. All that failed or took
 * long is remembered, as far as there is room; of the rest what somebody traces, and a sample. What the
 * console itself asks is left out.
 */
export const consoleTraces = {
  subject: 'console.traces',
  input: v.strictObject({ only: v.optional(v.picklist(['failed', 'slow'])) }),
  output: v.object({
    traces: v.array(v.object({ id: v.string(), spans: v.array(ConsoleSpan) })),
  }),
  audience: ['admin'],
  description: 'Shows the traces that are remembered',
} as const satisfies Contract

/**
 * `msg.trace`: the path that a message of the caller took. Its steps are remembered for a while, where
 * its client traced it; when it was said and stored is known as long as the log has it.
 */
export const msgTrace = {
  subject: 'msg.trace',
  input: v.strictObject({ notifyId: NotifyId }),
  output: v.object({
    /** When it was written, by the clock of whoever wrote it. */
    writtenAt: v.optional(Time),
    /** When the function took it, and when the log had it. */
    at: Time,
    storedAt: v.optional(Time),
    spans: v.array(Span),
  }),
  audience: ['admin', 'user'],
  description: 'Shows the path of a message of the caller',
  errors: ['forbidden'],
} as const satisfies Contract
