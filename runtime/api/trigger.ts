import type { BucketDeclaration, StreamDeclaration, Topic } from './contract.ts'
import { checkCron } from './cron.ts'
import { checkOptionNames, checkWholeNumber } from './options.ts'
import type { SequenceRange } from './partition.ts'

export interface EventTrigger<T extends Topic = Topic> {
  readonly kind: 'event'
  readonly topic: T
  /** The queue group; undefined if every instance receives each message. */
  readonly queue: string | undefined
}

export interface StreamTrigger<T extends Topic = Topic> {
  readonly kind: 'stream'
  readonly stream: StreamDeclaration
  readonly topic: T
  readonly batch: number
  readonly backoffMs: readonly number[]
  readonly timeoutMs: number
  readonly maxWaitMs: number
  readonly storedUpTo?: ((sequences: SequenceRange) => Promise<number>) | undefined
}

export interface KvTrigger<B extends BucketDeclaration = BucketDeclaration> {
  readonly kind: 'kv'
  readonly bucket: B
  readonly keys: string
  readonly timeoutMs: number
  readonly maxWaitMs: number
}

export interface ScheduleTrigger {
  readonly kind: 'schedule'
  /** The schedule, as nats-server expects it: `@every 60s` or six cron fields. */
  readonly every: string
  readonly timeoutMs: number
  readonly maxWaitMs: number
}

export interface CalloutTrigger {
  readonly kind: 'callout'
}

export type Trigger = EventTrigger | StreamTrigger | KvTrigger | ScheduleTrigger | CalloutTrigger
export type TriggerKind = 'request' | Trigger['kind']

const dayMs = 24 * 3_600_000

/**
 * Creates a trigger that calls the function with each message published to a topic, at most once. With
 * a queue group, one instance receives each message; without a queue group, every instance does. If
 * the handler throws, the error is logged and the message is not redelivered.
 */
export function event<const T extends Topic>(topic: T, options: { queue?: string } = {}) {
  checkOptionNames('event', options, ['queue'])
  return { kind: 'event', topic, queue: options.queue } satisfies EventTrigger<T> as EventTrigger<T>
}

interface DeliveryOptions {
  /**
   * Milliseconds after which the handler's signal aborts, and the call counts as failed even if the
   * handler returns later. Default: 60,000.
   */
  timeoutMs?: number
  /**
   * Milliseconds for which a message waits while a dependency is unavailable. Then it becomes a dead
   * letter. `Infinity` waits without limit. Default: 300,000.
   */
  maxWaitMs?: number
}

interface StreamOptions extends DeliveryOptions {
  batch?: number
  backoffMs?: readonly number[]
  /**
   * Returns the highest sequence among the messages that the handler has stored, for example in a
   * database; 0 if it has stored none. The result must be at least the sequence of the last
   * acknowledged message that is not a dead letter.
   *
   * Each start compares this sequence with the stream, because the restore of a backup may have
   * replaced the store or the stream with an older state. If the store lacks acknowledged messages
   * that are not dead letters, the function receives all messages of the stream again. If the last
   * sequence of the stream is lower than the result, the start fails. For a partitioned stream,
   * `storedUpTo` is called once for each partition, with the range of the partition's sequences.
   */
  storedUpTo?: (sequences: SequenceRange) => Promise<number>
}

/**
 * Creates a trigger that calls the function with the messages of a stream, at least once each, in
 * batches of at most `batch` (default: 100). A batch is acknowledged when the handler returns. A
 * failed batch is split until the failing message is alone. That message is redelivered after each
 * delay of `backoffMs`, and then becomes a dead letter with the reason. If a message fails because
 * a dependency is unavailable, it is retried for up to `maxWaitMs` instead, while later messages
 * are handled.
 */
export function stream<const T extends Topic>(
  declaration: StreamDeclaration,
  topic: T,
  options: StreamOptions = {},
): StreamTrigger<T> {
  const names = ['batch', 'backoffMs', 'timeoutMs', 'maxWaitMs', 'storedUpTo']
  checkOptionNames('stream', options, names)
  const { batch = 100, backoffMs = [1_000, 5_000, 30_000, 120_000], storedUpTo } = options
  checkWholeNumber('batch', batch, 1, 10_000)
  if (!Array.isArray(backoffMs)) throw new TypeError('backoffMs is not a list of milliseconds')
  for (const delayMs of backoffMs) checkWholeNumber('a delay of backoffMs', delayMs, 0, dayMs)
  const limits = readTimeLimits(options)
  if (storedUpTo !== undefined && typeof storedUpTo !== 'function')
    throw new TypeError('storedUpTo is not a function')
  return { kind: 'stream', stream: declaration, topic, batch, backoffMs, storedUpTo, ...limits }
}

/**
 * Creates a trigger that calls the function with each change of a bucket, including expiries.
 * Changes before the first start of the function are not delivered. One instance receives each
 * change. `keys` is a subject pattern that selects keys. Default: `>`, which selects all keys. If
 * the handler fails or exceeds `timeoutMs`, it is called again after 1, 5 and 30 seconds; then the
 * change becomes a dead letter. While a dependency is unavailable, the change waits. It is dropped
 * if its key changes again meanwhile.
 */
export function kvWatch<const B extends BucketDeclaration>(
  bucket: B,
  options: DeliveryOptions & { keys?: string } = {},
): KvTrigger<B> {
  checkOptionNames('kvWatch', options, ['keys', 'timeoutMs', 'maxWaitMs'])
  return { kind: 'kv', bucket, keys: options.keys ?? '>', ...readTimeLimits(options) }
}

/**
 * Creates a trigger that calls the function at an interval (a multiple of 1,000 ms) or by a cron
 * expression of six fields, of which the first is for seconds. One instance receives each tick. If
 * a call fails or exceeds `timeoutMs`, it is repeated after 1, 5 and 30 seconds; then the tick
 * becomes a dead letter. While a dependency is unavailable, the tick waits, and is dropped at the
 * next tick. Throws a RangeError for an invalid interval, and for a cron expression that
 * nats-server would reject or that never fires.
 */
export function schedule(
  options: ({ everyMs: number } | { cron: string }) & DeliveryOptions,
): ScheduleTrigger {
  checkOptionNames('schedule', options, ['everyMs', 'cron', 'timeoutMs', 'maxWaitMs'])
  const limits = readTimeLimits(options)
  if ('cron' in options === 'everyMs' in options)
    throw new TypeError('schedule: give either everyMs or cron')
  if ('cron' in options) {
    checkCron(options.cron)
    return { kind: 'schedule', every: options.cron, ...limits }
  }
  const seconds = options.everyMs / 1_000
  if (!Number.isInteger(seconds) || seconds < 1 || options.everyMs > 366 * dayMs)
    throw new RangeError(
      `everyMs is ${options.everyMs}: use a multiple of 1000 from 1000 to ${366 * dayMs}`,
    )
  return { kind: 'schedule', every: `@every ${seconds}s`, ...limits }
}

/**
 * Creates a trigger that calls the function for each client that connects to the server (NATS auth
 * callout). The handler returns the client's identity and permissions, or throws a FunctionError to
 * reject the connection.
 */
export function callout(): CalloutTrigger {
  return { kind: 'callout' }
}

function readTimeLimits({ timeoutMs = 60_000, maxWaitMs = 300_000 }: DeliveryOptions) {
  checkWholeNumber('timeoutMs', timeoutMs, 1, dayMs)
  if (maxWaitMs === Number.POSITIVE_INFINITY || (Number.isInteger(maxWaitMs) && maxWaitMs >= 1))
    return { timeoutMs, maxWaitMs }
  throw new RangeError(`maxWaitMs is ${maxWaitMs}: use whole milliseconds, 1 or more, or Infinity`)
}
