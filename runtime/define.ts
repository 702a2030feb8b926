import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Logger } from 'pino'
import type {
  AnswerOf,
  BucketDeclaration,
  Contract,
  DataOf,
  InputOf,
  OutputOf,
  ParsedDataOf,
  ParsedInputOf,
  Schema,
  StreamDeclaration,
  Topic,
  ValueOf,
} from './contract.ts'
import type { ErrorBody } from './error.ts'

/** What a function meets besides its input. */
export interface Context<Env = unknown> {
  /** Who asks, as the server checked it. Empty for what no person asks: events, streams, schedules. */
  readonly caller: string
  /** Aborts when the deadline passes or the process must stop. Hand it to what takes long. */
  readonly signal: AbortSignal
  /** Until when an answer is of use, in milliseconds since the epoch. */
  readonly deadline: number
  /** Writes with the function's name and the trace id in place. */
  readonly log: Logger
  /** The environment as the function's `env` schema read it. */
  readonly env: Env
  /** All functions this runtime serves. */
  readonly functions: readonly FunctionInfo[]
  /**
   * Tells a topic to whoever listens: fire and forget. Throws for data that does not fit the topic.
   */
  publish<T extends Topic>(topic: T, data: DataOf<T>): void
  /** The same thing told once for each value of one name in the subject's braces: to each `user`. */
  publishEach<T extends Topic, Name extends keyof DataOf<T> & string>(
    topic: T,
    name: Name,
    values: readonly DataOf<T>[Name][],
    data: Omit<DataOf<T>, Name>,
  ): void
  /**
   * Writes to a stream and answers when the server has it. `id` makes a repetition harmless within
   * the stream's duplicate window. Throws `unavailable` when the stream does not answer or is full.
   */
  append<T extends Topic>(topic: T, data: DataOf<T>, options?: { id?: string }): Promise<Appended>
  /**
   * Reads one message of a stream back by its sequence; undefined when it is not there any more, or
   * is of another topic.
   */
  read<T extends Topic>(
    stream: StreamDeclaration,
    topic: T,
    seq: number,
  ): Promise<Stored<ParsedDataOf<T>> | undefined>
  /**
   * All that a stream holds on some topics after a sequence, in order; a name in their braces that
   * `params` leaves out may be anything. Undefined when it does not reach back so far, when the
   * sequence is still to come, or when there is more than `limit`: never a part.
   */
  readAfter<T extends Topic>(
    stream: StreamDeclaration,
    topics: readonly T[],
    params: Readonly<Record<string, string>>,
    since: number,
    limit: number,
  ): Promise<Stored<ParsedDataOf<T>>[] | undefined>
  /**
   * Erases one message of a stream for good, its bytes included. False when it is not there any more.
   */
  erase(stream: StreamDeclaration, seq: number): Promise<boolean>
  /** Where the message stands in its stream, for an event that a stream republishes. */
  readonly stored: StoredPlace | undefined
  /** A bucket that the function declares in `uses`. */
  kv<B extends BucketDeclaration>(bucket: B): Bucket<ValueOf<B>>
  /** Asks another function, with what is left of the deadline. */
  call<C extends Contract>(contract: C, input: InputOf<C>): Promise<OutputOf<C>>
}

export interface Appended {
  /** The sequence in the stream. */
  seq: number
  /** True when this id had been written before; `seq` is then that of the first time. */
  duplicate: boolean
}

/** A message as a stream keeps it. */
export interface Stored<Data> {
  data: Data
  seq: number
  /** When the server stored it. */
  at: Date
}

/** The place of a republished message. */
export interface StoredPlace {
  seq: number
  /** The sequence of the message before it on the same subject; 0 for the first. */
  prev: number
}

export interface Entry<Value> {
  key: string
  value: Value
  revision: number
}

/** A KV bucket. Each method is one round trip; all throw `unavailable` when the server is away. */
export interface Bucket<Value> {
  get(key: string): Promise<Entry<Value> | undefined>
  /** Writes whatever was there; answers the revision. */
  put(key: string, value: Value): Promise<number>
  /** Writes only if the key is absent; false if it was there. */
  create(key: string, value: Value): Promise<boolean>
  /** Writes only if the revision still stands; false if somebody was faster. */
  update(key: string, value: Value, revision: number): Promise<boolean>
  delete(key: string): Promise<void>
  /** All live entries whose key matches a subject pattern: `general.*`. */
  list(pattern: string): Promise<Entry<Value>[]>
}

export interface FunctionInfo {
  /** `room.join`: the file's stem. */
  readonly name: string
  readonly trigger: TriggerKind
  /** For requests: where it is asked, with `{caller}` in place, and by whom. */
  readonly subject?: string
  readonly audience?: readonly string[]
}

export interface FunctionOptions<Env extends Schema = Schema> {
  /** The service's version, semver. 1.0.0 unless said. */
  version?: string
  /** The queue group its instances share. The function's name unless said. */
  queue?: string
  /** How many run at once in one instance. 128 unless said. */
  concurrency?: number
  /** How many wait in one instance before more are shed. 1,024 unless said. */
  waiting?: number
  /**
   * How often one caller may ask, over all instances: `{ max: 60, windowMs: 10_000 }`. Who asks more
   * is refused with `rate_limited` and when to try again.
   */
  limit?: Limit
  /** The environment variables it reads, as an object schema. What does not fit stops the start. */
  env?: Env
  /** Done once in each process before the function is served: to fetch what must be there. */
  prepare?: (setting: { env: StandardSchemaV1.InferOutput<Env>; log: Logger }) => Promise<void>
  /** Tells a caller who asked for no answer why they were refused. Must not throw. */
  rejected?: (refusal: ErrorBody, call: RejectedCall, context: Context) => void
  /** The streams and buckets it needs; created or compared before it is served. */
  uses?: readonly (StreamDeclaration | BucketDeclaration)[]
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

/** A change in a bucket. `expire` is the end of an entry's time, seen once over all instances. */
export type Change<Value> =
  | { operation: 'put'; key: string; value: Value; revision: number }
  | { operation: 'delete' | 'expire'; key: string; revision: number }

/** Somebody connects: what the server knows and what they brought. */
export interface Login {
  /** CONNECT's token, or its password when there is no token. Empty when there is neither. */
  token: string
  /** What they typed as user; proves nothing. */
  user: string
  host: string
  kind: 'nats' | 'websocket' | 'mqtt' | 'leafnode'
}

/** Who they turned out to be, and what they may do until then. */
export interface Admission {
  user: string
  account: string
  publish: readonly string[]
  subscribe: readonly string[]
  /** Seconds since the epoch; the server ends the connection then. */
  expiresAt: number
}

type Handler<T, Env> = T extends Contract
  ? (input: ParsedInputOf<T>, context: Context<Env>) => Promise<AnswerOf<T>> | AnswerOf<T>
  : T extends EventTrigger<infer To>
    ? (data: ParsedDataOf<To>, context: Context<Env>) => Promise<void> | void
    : T extends StreamTrigger<infer To>
      ? (
          messages: readonly Stored<ParsedDataOf<To>>[],
          context: Context<Env>,
        ) => Promise<void> | void
      : T extends KvTrigger<infer B>
        ? (change: Change<ValueOf<B>>, context: Context<Env>) => Promise<void> | void
        : T extends ScheduleTrigger
          ? (tick: { at: Date }, context: Context<Env>) => Promise<void> | void
          : T extends CalloutTrigger
            ? (login: Login, context: Context<Env>) => Promise<Admission> | Admission
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
  what: T,
  handle: Handler<T, StandardSchemaV1.InferOutput<Env>>,
  options: FunctionOptions<Env> = {},
): FunctionDefinition {
  const made = { [definition]: true, handle: handle as never, options: options as never } as const
  return isTrigger(what)
    ? { ...made, contract: undefined, trigger: what }
    : { ...made, contract: what, trigger: undefined }
}

function isTrigger(what: Contract | Trigger): what is Trigger {
  return 'kind' in what
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
