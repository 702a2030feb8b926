import type { Logger } from 'pino'
import type { Bucket } from './bucket.ts'
import type {
  BucketDeclaration,
  Contract,
  DataOf,
  InputOf,
  OutputOf,
  ParsedDataOf,
  StreamDeclaration,
  Topic,
  ValueOf,
} from './contract.ts'
import type { DatedProgress, PubAck, StreamMessage, StreamPosition } from './stream.ts'
import type { System } from './system.ts'
import type { TriggerKind } from './trigger.ts'

/** The second argument of a handler. Its methods may be destructured. */
export interface Context<Env = unknown> {
  /**
   * The id of the user who called: the token `{caller}` of the subject. The permissions of
   * nats-server let no user publish with the id of another user. Empty if the request subject of
   * the function has no `{caller}`.
   */
  readonly caller: string
  /**
   * Aborts at the deadline, or earlier if the caller cancels the call or the process stops. Pass it
   * to slow operations, so that they end when it aborts.
   */
  readonly signal: AbortSignal
  /** The time at which the call times out, in milliseconds since the epoch. */
  readonly deadline: number
  /** A logger whose lines carry the function's name and the trace id. */
  readonly log: Logger
  readonly env: Env
  /** The functions that this process serves. */
  readonly functions: readonly FunctionInfo[]
  readonly system: System
  /**
   * The position of the event in the stream that republished it. Undefined for an event that no
   * stream republished.
   */
  readonly streamPosition: StreamPosition | undefined
  /**
   * Publishes to a topic, at most once, without waiting for the server. Throws a TypeError for data
   * that does not match the topic's schema, and a RangeError if the value of a subject parameter is
   * not a valid token.
   */
  publish<T extends Topic>(topic: T, data: DataOf<T>): void
  /**
   * Publishes the same data once for each value of one subject parameter, such as `user`. Validates
   * and serializes the data only once, with the first value.
   */
  publishEach<T extends Topic, Name extends keyof DataOf<T> & string>(
    topic: T,
    name: Name,
    values: readonly DataOf<T>[Name][],
    data: Omit<DataOf<T>, Name>,
  ): void
  /**
   * Appends a message to the stream that captures the topic's subject, and waits for the
   * acknowledgement. A second call with the same `id` within the stream's duplicate window stores
   * nothing. Throws `unavailable` if no stream captures the subject or the stream is full, and
   * `timeout` after 5 seconds.
   */
  append<T extends Topic>(topic: T, data: DataOf<T>, options?: { id?: string }): Promise<PubAck>
  /**
   * Returns the message with the sequence `seq`. Returns undefined if the stream has no message
   * with this sequence, or if the message belongs to another topic. Throws `invalid` if the message
   * does not match the topic's schema.
   */
  read<T extends Topic>(
    stream: StreamDeclaration,
    topic: T,
    seq: number,
  ): Promise<StreamMessage<ParsedDataOf<T>> | undefined>
  /**
   * Returns all messages of the topics after the sequence `since`, in stream order. A subject
   * parameter that is not in `params` matches any value. Messages that do not match their topic's
   * schema are skipped. Returns undefined if more than `limit` messages match. Also returns undefined
   * if the stream has deleted messages after `since`, or ends before `since`. Throws a TypeError if the
   * stream is partitioned and `params` lack the parameter that chooses the partition.
   */
  readAfter<T extends Topic>(
    stream: StreamDeclaration,
    topics: readonly T[],
    params: Readonly<Record<string, string>>,
    since: number,
    limit: number,
  ): Promise<StreamMessage<ParsedDataOf<T>>[] | undefined>
  /**
   * Deletes a message of a stream and overwrites its bytes. Returns false if the message does not
   * exist.
   */
  purgeMessage(stream: StreamDeclaration, seq: number): Promise<boolean>
  /**
   * Returns how far the function `name` has consumed the stream. Throws `unavailable` if that
   * function has no consumer on the stream. Throws a TypeError if the stream has several
   * partitions, because the function then has one consumer on each.
   */
  consumerProgress(stream: StreamDeclaration, name: string): Promise<DatedProgress>
  /**
   * Returns the partitions of a stream. Each partition can be passed to the methods that take a
   * stream. With `topic`, returns only the partitions that can have messages of the topic with the
   * parameters `params`. Returns the stream itself if it is not partitioned.
   */
  partitions(
    stream: StreamDeclaration,
    topic?: Topic,
    params?: Readonly<Record<string, string>>,
  ): readonly StreamDeclaration[]
  /** Opens a bucket. Throws a TypeError if the function's `resources` do not include the bucket. */
  kv<B extends BucketDeclaration>(bucket: B): Bucket<ValueOf<B>>
  /**
   * Calls another function. Times out after the contract's `timeoutMs`, or at `deadline` if that is
   * earlier. Throws the FunctionError of the other function, or a FunctionError for a failed
   * request, such as `timeout`.
   */
  call<C extends Contract>(contract: C, input: InputOf<C>): Promise<OutputOf<C>>
}

/** A served function. */
export interface FunctionInfo {
  /**
   * The name of the file without its extension, such as `room.join`, or the name in `defineFunctions`.
   */
  readonly name: string
  readonly trigger: TriggerKind
  /** The request subject, including `{caller}`. Undefined if the function has no contract. */
  readonly subject?: string
  readonly audience?: readonly string[]
}
