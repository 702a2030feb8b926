import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Logger } from 'pino'
import type { AuthGrant, AuthRequest, Context, KvChange, StreamMessage } from './context.ts'
import type {
  AnswerOf,
  BucketDeclaration,
  Contract,
  ParsedDataOf,
  ParsedInputOf,
  Schema,
  StreamDeclaration,
  Topic,
  ValueOf,
} from './contract.ts'
import type { ErrorBody } from './errors.ts'

export interface FunctionOptions<Env extends Schema = Schema> {
  /** The service's version, semver. 1.0.0 unless said. */
  version?: string
  /** The queue group its instances share. The function's name unless said. */
  queue?: string
  /** How many run at once in one instance. 128 unless said. */
  concurrency?: number
  /** How many wait in one instance before more are shed. 1,024 unless said. */
  maxQueued?: number
  /**
   * How often one caller may ask, over all instances: `{ max: 60, windowMs: 10_000 }`. Who asks more
   * is refused with `rate_limited` and when to try again.
   */
  limit?: Limit
  /**
   * Begun while the shared counters of the limit are asked, so that the two do not wait for each other:
   * to read what the handler will want. Nothing of the call is checked yet. Must change nothing and
   * not throw.
   */
  prefetch?: (call: Pick<RejectedCall, 'params'>, context: Context) => void
  /** The environment variables it reads, as an object schema. What does not fit stops the start. */
  env?: Env
  /** Done once in each process before the function is served: to fetch what must be there. */
  beforeServe?: (setting: { env: StandardSchemaV1.InferOutput<Env>; log: Logger }) => Promise<void>
  /** Tells a caller who asked for no answer why they were refused. Must not throw. */
  onRejected?: (refusal: ErrorBody, call: RejectedCall, context: Context) => void
  /** The streams and buckets it needs; created or compared before it is served. */
  resources?: readonly (StreamDeclaration | BucketDeclaration)[]
}

/** A call without a reply that was refused, perhaps because it does not fit: nothing here is checked. */
export interface RejectedCall {
  /** What stands in the subject's braces. */
  readonly params: Readonly<Record<string, string>>
  /** The payload, if it is a JSON object; else empty. */
  readonly data: Readonly<Record<string, unknown>>
}

export interface Limit {
  /** So many calls of one caller … */
  readonly max: number
  /** … in so many milliseconds, whole seconds, 60,000 at most. */
  readonly windowMs: number
}

/** Hears a topic. With a queue group one instance hears each message, without it every one does. */
export interface EventTrigger<T extends Topic = Topic> {
  readonly kind: 'event'
  readonly topic: T
  readonly queue: string | undefined
}

/** Consumes a stream, at least once, in batches; see {@link stream}. */
export interface StreamTrigger<T extends Topic = Topic> {
  readonly kind: 'stream'
  readonly stream: StreamDeclaration
  readonly topic: T
  readonly batch: number
  readonly backoffMs: readonly number[]
  readonly timeoutMs: number
}

export interface KvTrigger<B extends BucketDeclaration = BucketDeclaration> {
  readonly kind: 'kv'
  readonly bucket: B
  readonly keys: string
  readonly timeoutMs: number
}

export interface ScheduleTrigger {
  readonly kind: 'schedule'
  readonly every: string
  readonly timeoutMs: number
}

export interface CalloutTrigger {
  readonly kind: 'callout'
}

export type Trigger = EventTrigger | StreamTrigger | KvTrigger | ScheduleTrigger | CalloutTrigger
export type TriggerKind = 'request' | Trigger['kind']

type Handler<T, Env> = T extends Contract
  ? (input: ParsedInputOf<T>, context: Context<Env>) => Promise<AnswerOf<T>> | AnswerOf<T>
  : T extends EventTrigger<infer To>
    ? (data: ParsedDataOf<To>, context: Context<Env>) => Promise<void> | void
    : T extends StreamTrigger<infer To>
      ? (
          messages: readonly StreamMessage<ParsedDataOf<To>>[],
          context: Context<Env>,
        ) => Promise<void> | void
      : T extends KvTrigger<infer B>
        ? (change: KvChange<ValueOf<B>>, context: Context<Env>) => Promise<void> | void
        : T extends ScheduleTrigger
          ? (tick: { at: Date }, context: Context<Env>) => Promise<void> | void
          : T extends CalloutTrigger
            ? (login: AuthRequest, context: Context<Env>) => Promise<AuthGrant> | AuthGrant
            : never

/** What a file in functions/ exports. Made by {@link defineFunction} alone. */
export interface FunctionDefinition {
  readonly [definition]: true
  readonly contract: Contract | undefined
  readonly trigger: Trigger | undefined
  readonly handle: (input: never, context: Context) => unknown
  readonly options: FunctionOptions
}

/** Registered, so that a second copy of this module knows the first one's definitions. */
export const definition: unique symbol = Symbol.for('natter.function') as never

/**
 * Makes a function of a contract, or of another trigger, and a handler.
 *
 * The handler's value is the answer; throw a FunctionError to refuse. It may run several times at
 * once, in several processes, and more than once for the same message: asking twice must do no harm.
 */
export function defineFunction<const T extends Contract | Trigger, Env extends Schema = Schema>(
  declaration: T,
  handle: Handler<T, StandardSchemaV1.InferOutput<Env>>,
  options: FunctionOptions<Env> = {},
): FunctionDefinition {
  const base = { [definition]: true, handle: handle as never, options: options as never } as const
  return isTrigger(declaration)
    ? { ...base, contract: undefined, trigger: declaration }
    : { ...base, contract: declaration, trigger: undefined }
}

function isTrigger(declaration: Contract | Trigger): declaration is Trigger {
  return 'kind' in declaration
}

/** Whether a value came out of {@link defineFunction}. */
export function isFunctionDefinition(value: unknown): value is FunctionDefinition {
  return typeof value === 'object' && value !== null && definition in value
}

/** Trigger: each message told on a topic. Name a queue group to have one instance act on each. */
export function event<const T extends Topic>(topic: T, options: { queue?: string } = {}) {
  return { kind: 'event', topic, queue: options.queue } satisfies EventTrigger<T> as EventTrigger<T>
}

/**
 * Trigger: the messages of a stream, in batches of at most `batch`, acknowledged when the handler
 * has returned. A batch that fails is halved until the message at fault stands alone; that one is
 * tried again after each of `backoffMs`, then goes to the dead letters with the reason. While what
 * the function stands on is down (`unavailable`), nothing is given up: the batch waits.
 *
 * A handler that is not done after `timeoutMs` (60,000 unless said) has failed: its signal aborts,
 * and what comes of it later counts for nothing. Nothing but itself can end it.
 */
export function stream<const T extends Topic>(
  declaration: StreamDeclaration,
  topic: T,
  options: { batch?: number; backoffMs?: readonly number[]; timeoutMs?: number } = {},
): StreamTrigger<T> {
  const { batch = 100, backoffMs = [1_000, 5_000, 30_000, 120_000] } = options
  const timeoutMs = readTimeLimit(options)
  return { kind: 'stream', stream: declaration, topic, batch, backoffMs, timeoutMs }
}

/**
 * Trigger: what changes in a bucket, expiries included. One instance acts on each change. A handler
 * that fails, or is not done after `timeoutMs` as in {@link stream}, is called again three times.
 */
export function kvWatch<const B extends BucketDeclaration>(
  bucket: B,
  options: { keys?: string; timeoutMs?: number } = {},
): KvTrigger<B> {
  return { kind: 'kv', bucket, keys: options.keys ?? '>', timeoutMs: readTimeLimit(options) }
}

/**
 * Trigger: an interval in milliseconds (from 1,000 up, whole seconds) or a cron line of six fields. A
 * handler that fails, or is not done after `timeoutMs` as in {@link stream}, is called again three
 * times.
 */
export function schedule(
  options: ({ everyMs: number } | { cron: string }) & { timeoutMs?: number },
): ScheduleTrigger {
  const timeoutMs = readTimeLimit(options)
  if ('cron' in options) return { kind: 'schedule', every: options.cron, timeoutMs }
  const seconds = options.everyMs / 1_000
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new RangeError(`everyMs is ${options.everyMs}: use whole seconds, 1000 or more`)
  return { kind: 'schedule', every: `@every ${seconds}s`, timeoutMs }
}

function readTimeLimit({ timeoutMs = 60_000 }: { timeoutMs?: number }): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1) return timeoutMs
  throw new RangeError(`timeoutMs is ${timeoutMs}: use whole milliseconds, 1 or more`)
}

/** Trigger: somebody connects to the server. The answer decides who they are and what they may do. */
export function callout(): CalloutTrigger {
  return { kind: 'callout' }
}
