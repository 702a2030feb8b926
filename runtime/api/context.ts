import type { Logger } from 'pino'
import type { System } from '../monitoring/system.ts'
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
import type { TriggerKind } from './define.ts'

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
  /** All processes together, as they say of themselves: for functions that operators ask. */
  readonly system: System
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
  append<T extends Topic>(topic: T, data: DataOf<T>, options?: { id?: string }): Promise<PubAck>
  /**
   * Reads one message of a stream back by its sequence; undefined when it is not there any more, or
   * is of another topic.
   */
  read<T extends Topic>(
    stream: StreamDeclaration,
    topic: T,
    seq: number,
  ): Promise<StreamMessage<ParsedDataOf<T>> | undefined>
  /**
   * All that a stream holds on some topics after a sequence, in order; a name in their braces that
   * `params` leaves out may be anything. Undefined when it does not reach back so far, when the
   * sequence is still to come, or when there is more than `limit`: never a part. What does not fit
   * its topic is left out.
   */
  readAfter<T extends Topic>(
    stream: StreamDeclaration,
    topics: readonly T[],
    params: Readonly<Record<string, string>>,
    since: number,
    limit: number,
  ): Promise<StreamMessage<ParsedDataOf<T>>[] | undefined>
  /**
   * Erases one message of a stream for good, its bytes included. False when it is not there any more.
   */
  purgeMessage(stream: StreamDeclaration, seq: number): Promise<boolean>
  /** How far the function of that name has come with what it consumes of a stream. */
  consumerProgress(stream: StreamDeclaration, name: string): Promise<ConsumerProgress>
  /** Where the message stands in its stream, for an event that a stream republishes. */
  readonly streamPosition: StreamPosition | undefined
  /** A bucket that the function declares in `uses`. */
  kv<B extends BucketDeclaration>(bucket: B): Bucket<ValueOf<B>>
  /** Asks another function, with what is left of the deadline. */
  call<C extends Contract>(contract: C, input: InputOf<C>): Promise<OutputOf<C>>
}

/**
 * Up to which sequence of a stream all is handled. Later ones may be as well: those of a process that
 * died come again, and later than what is new.
 */
export interface ConsumerProgress {
  seq: number
  /** Whether that was all there was when it was asked. */
  caughtUp: boolean
}

export interface PubAck {
  /** The sequence in the stream. */
  seq: number
  /** True when this id had been written before; `seq` is then that of the first time. */
  duplicate: boolean
}

/** A message as a stream keeps it. */
export interface StreamMessage<Data> {
  data: Data
  seq: number
  /** When the server stored it. */
  at: Date
  /** The trace it was written in, where it was read back and there was one. */
  trace?: string
}

/** The place of a republished message. */
export interface StreamPosition {
  seq: number
  /** The sequence of the message before it on the same subject; 0 for the first. */
  prev: number
}

export interface KvEntry<Value> {
  key: string
  value: Value
  revision: number
}

/** A KV bucket. What answers is one round trip, and throws `unavailable` when the server is away. */
export interface Bucket<Value> {
  get(key: string): Promise<KvEntry<Value> | undefined>
  /** Writes whatever was there; answers the revision. */
  put(key: string, value: Value): Promise<number>
  /** Writes only if the key is absent; false if it was there. */
  create(key: string, value: Value): Promise<boolean>
  /**
   * Writes only if the key is absent, and does not wait to find out: half of what `create` costs. For a
   * value that is made of what has been checked, and so is not held against the schema.
   */
  createInBackground(key: string, value: Value): void
  /** Writes only if the revision still stands; false if somebody was faster. */
  update(key: string, value: Value, revision: number): Promise<boolean>
  delete(key: string): Promise<void>
  /** All live entries whose key matches a subject pattern: `general.*`. */
  list(pattern: string): Promise<KvEntry<Value>[]>
}

export interface FunctionInfo {
  /** `room.join`: the file's stem. */
  readonly name: string
  readonly trigger: TriggerKind
  /** For requests: where it is asked, with `{caller}` in place, and by whom. */
  readonly subject?: string
  readonly audience?: readonly string[]
}

/** A change in a bucket. `expire` is the end of an entry's time, seen once over all instances. */
export type KvChange<Value> =
  | { operation: 'put'; key: string; value: Value; revision: number }
  | { operation: 'delete' | 'expire'; key: string; revision: number }

/** Somebody connects: what the server knows and what they brought. */
export interface AuthRequest {
  /** CONNECT's token, or its password when there is no token. Empty when there is neither. */
  token: string
  /** What they typed as user; proves nothing. */
  user: string
  host: string
  kind: 'nats' | 'websocket' | 'mqtt' | 'leafnode'
}

/** Who they turned out to be, and what they may do until then. */
export interface AuthGrant {
  user: string
  account: string
  publish: readonly string[]
  subscribe: readonly string[]
  /** Seconds since the epoch; the server ends the connection then. */
  expiresAt: number
}
