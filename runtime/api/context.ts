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
import type { ConsumerProgress, PubAck, StreamMessage, StreamPosition } from './stream.ts'
import type { System } from './system.ts'
import type { TriggerKind } from './trigger.ts'

/** The second argument of a handler. Its methods may be destructured. */
export interface Context<Env = unknown> {
  /**
   * The user who called: the token `{caller}` of the subject, which the server's permissions pin to
   * the authenticated user. Empty for a subject without it, for streams and for schedules.
   */
  readonly caller: string
  /** Aborts when the deadline passes or the process must stop. Pass it to slow operations. */
  readonly signal: AbortSignal
  /** Milliseconds since the epoch, after which the answer is useless. */
  readonly deadline: number
  /** A logger whose lines carry the function's name and the trace id. */
  readonly log: Logger
  /** The environment, parsed by the function's `env` schema. */
  readonly env: Env
  /** The functions that this runtime serves. */
  readonly functions: readonly FunctionInfo[]
  /** Monitoring of all processes, for functions that operators call. */
  readonly system: System
  /** The message's position in its stream, for an event that a stream republishes. */
  readonly streamPosition: StreamPosition | undefined
  /**
   * Publishes to a topic, at most once, without waiting for the server. Throws a TypeError for data
   * that does not match the topic's schema and a RangeError for a value that cannot be a token.
   */
  publish<T extends Topic>(topic: T, data: DataOf<T>): void
  /**
   * Publishes the same data once for each value of one subject parameter, such as `user`. Checks and
   * serializes the data once, with the first value.
   */
  publishEach<T extends Topic, Name extends keyof DataOf<T> & string>(
    topic: T,
    name: Name,
    values: readonly DataOf<T>[Name][],
    data: Omit<DataOf<T>, Name>,
  ): void
  /**
   * Appends to the stream that captures the topic's subject, and waits for the acknowledgement. With
   * `id`, a repeated call within the stream's duplicate window stores nothing. Throws `unavailable`
   * when no stream answers or the stream is full, and `timeout` after 5 seconds.
   */
  append<T extends Topic>(topic: T, data: DataOf<T>, options?: { id?: string }): Promise<PubAck>
  /**
   * Reads the message with a sequence. Returns undefined if it is deleted or of another topic. Throws
   * `invalid` if it does not match the topic's schema.
   */
  read<T extends Topic>(
    stream: StreamDeclaration,
    topic: T,
    seq: number,
  ): Promise<StreamMessage<ParsedDataOf<T>> | undefined>
  /**
   * Reads all messages of some topics after the sequence `since`, in order. A subject parameter that
   * `params` lacks matches any value; messages that do not match their topic's schema are skipped.
   * Returns undefined, never a part, if messages after `since` may be deleted, if `since` is after
   * the last message, or if there are more than `limit`.
   */
  readAfter<T extends Topic>(
    stream: StreamDeclaration,
    topics: readonly T[],
    params: Readonly<Record<string, string>>,
    since: number,
    limit: number,
  ): Promise<StreamMessage<ParsedDataOf<T>>[] | undefined>
  /** Deletes a message of a stream and overwrites its bytes. Returns false if it does not exist. */
  purgeMessage(stream: StreamDeclaration, seq: number): Promise<boolean>
  /**
   * Returns how far the function of that name has consumed a stream. Throws `unavailable` if it has
   * no consumer there.
   */
  consumerProgress(stream: StreamDeclaration, name: string): Promise<ConsumerProgress>
  /** Opens a bucket. Throws a TypeError if the function's `resources` do not list it. */
  kv<B extends BucketDeclaration>(bucket: B): Bucket<ValueOf<B>>
  /**
   * Calls another function. Waits for the contract's timeout or until the deadline, whichever is
   * earlier. Throws the FunctionError that the other function threw, or that of the failed call.
   */
  call<C extends Contract>(contract: C, input: InputOf<C>): Promise<OutputOf<C>>
}

/** A served function. */
export interface FunctionInfo {
  /** `room.join`: the file's name without its extension. */
  readonly name: string
  readonly trigger: TriggerKind
  /** The request subject, including `{caller}`. Undefined for other triggers. */
  readonly subject?: string
  readonly audience?: readonly string[]
}
