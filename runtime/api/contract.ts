import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ErrorCode } from './errors.ts'
import { callerParam, parseSubject, type Subject } from './subject.ts'

/** Any Standard Schema: valibot, zod, arktype and others. */
export type Schema<In = unknown, Out = In> = StandardSchemaV1<In, Out>

/**
 * The interface of a function that is called by requests. Handlers, clients and tests infer their
 * types from it. Browsers load contracts, so a module with contracts must not import server code.
 */
export interface Contract {
  /**
   * The request subject: `room.join.{room}`. Parameters in braces are fields of `input`. Users send
   * requests to `as.{caller}.room.join.{room}`, unless the subject itself contains `{caller}`.
   */
  readonly subject: string
  readonly input: Schema
  /** The schema of the answer. Fields that the schema does not name are removed. */
  readonly output: Schema
  /**
   * The schema of a part of a streamed answer. With `chunk`, the handler is an async generator,
   * which yields parts and returns the answer.
   */
  readonly chunk?: Schema
  /**
   * The roles that may call the function, `everyone` for all users, or `functions` for other functions
   * only. The runtime derives the users' publish permissions from this list.
   */
  readonly audience: readonly string[]
  /** One line that `nats micro ls` shows. */
  readonly description?: string
  /** The error codes of this function, in addition to those that any call may fail with. */
  readonly errors?: readonly ErrorCode[]
  /** Milliseconds until a call is rejected with `timeout`, up to 300,000. Default: 5,000. */
  readonly timeoutMs?: number
  /**
   * Maximum payload in bytes. A larger payload is rejected with `too_large`, and not parsed.
   * Default: 65,536.
   */
  readonly maxBytes?: number
}

/**
 * The subject of an event, and the schema of the event's data. The data consists of the subject's
 * parameters and the fields of the payload.
 */
export interface Topic {
  readonly subject: string
  readonly data: Schema
  /**
   * True for events that functions push to users. Functions publish these events with the header
   * `Natter-Push`. Clients ignore a message on such a subject without this header, since no
   * function published it.
   */
  readonly push?: boolean
}

/**
 * A JetStream stream. The start of a runtime creates a missing stream, and updates a stream that
 * differs from this declaration.
 */
export interface StreamDeclaration {
  readonly stream: string
  readonly subjects: readonly string[]
  /**
   * If true, the messages are divided over several streams. Their number is the environment
   * variable NATS_PARTITIONS. The token at the first `*` of the subjects, such as the room, chooses
   * the partition. There is no order between messages of different partitions. No sequence is used
   * in two partitions, so a sequence identifies its message.
   */
  readonly partitioned?: boolean
  /** Further fields of the server's stream configuration, with durations in nanoseconds. */
  readonly config?: Readonly<Record<string, unknown>>
}

/**
 * A KV bucket. The start of a runtime creates a missing bucket, and updates a bucket that differs
 * from this declaration.
 */
export interface BucketDeclaration {
  readonly bucket: string
  readonly value: Schema
  /**
   * If true, the entries are divided over several buckets. Their number is the environment variable
   * NATS_PARTITIONS. The first token of a key chooses the bucket.
   */
  readonly partitioned?: boolean
  /** Milliseconds until an entry expires after its last write. Default: never. */
  readonly ttlMs?: number
  /** True if single entries may have a TTL of their own: see `WriteOptions`. */
  readonly entryTtl?: boolean
  /**
   * Milliseconds for which the server stores a marker in place of an expired entry. Without
   * markers, `kvWatch` receives no `expire` changes.
   */
  readonly markerTtlMs?: number
  /** Maximum size in bytes; the oldest entries are evicted above that. Default: unlimited. */
  readonly maxBytes?: number
  /** Default: `file`. */
  readonly storage?: 'file' | 'memory'
  /** Revisions stored for each key. Default: 1. */
  readonly history?: number
}

/** The type that callers pass to a contract's function. */
export type InputOf<C extends { input: Schema }> = StandardSchemaV1.InferInput<C['input']>
/** The type that the handler receives: the input after parsing. */
export type ParsedInputOf<C extends { input: Schema }> = StandardSchemaV1.InferOutput<C['input']>
/** The type that callers receive: the answer after parsing. */
export type OutputOf<C extends { output: Schema }> = StandardSchemaV1.InferOutput<C['output']>
/** The type that the handler returns: the answer before it is parsed by the schema `output`. */
export type AnswerOf<C extends { output: Schema }> = StandardSchemaV1.InferInput<C['output']>
/** The type of the parts that callers receive. */
export type ChunkOf<C extends { chunk: Schema }> = StandardSchemaV1.InferOutput<C['chunk']>
export type YieldedOf<C extends { chunk: Schema }> = StandardSchemaV1.InferInput<C['chunk']>
/** The type that publishers of a topic pass. */
export type DataOf<T extends { data: Schema }> = StandardSchemaV1.InferInput<T['data']>
/** The type that subscribers of a topic receive: the data after parsing. */
export type ParsedDataOf<T extends { data: Schema }> = StandardSchemaV1.InferOutput<T['data']>
export type ValueOf<B extends { value: Schema }> = StandardSchemaV1.InferOutput<B['value']>

export const defaultTimeoutMs = 5_000
export const maxTimeoutMs = 300_000
export const defaultMaxBytes = 65_536
/**
 * The header in which a caller requests a timeout. Its value is a duration instead of a deadline,
 * because the clocks of two machines may differ.
 */
export const timeoutHeader = 'Natter-Timeout-Ms'
export const pushHeader = 'Natter-Push'
/**
 * The header of a user's request that tells where the replies are published: on the subject
 * `deliver.{user}.reply.{token}`. The header contains `{token}`, the reply token, which consists of
 * one or two subject tokens.
 */
export const replyHeader = 'Natter-Reply'

export function replySubject(user: string, token: string): string {
  return `deliver.${user}.reply.${token}`
}

/** The header with the number of a part of a streamed answer. The first part has the number 1. */
export const chunkHeader = 'Natter-Chunk'

/**
 * The first token of the reply subjects for requests that no user sends, such as those of
 * functions.
 */
export const inbox = '_INBOX'

/**
 * Returns the subject on which a caller cancels its request. `token` is the request's reply token.
 * For a user, the subject begins with `as.{user}`, because the user may not publish on
 * `_CANCEL.{token}`.
 */
export function cancelSubject(token: string, user?: string): string {
  return user === undefined ? `_CANCEL.${token}` : `as.${user}._CANCEL.${token}`
}

/**
 * Returns the subject to which requests are sent: the contract's subject after the prefix
 * `as.{caller}.`. The prefix is missing if only functions may call the contract, or if the
 * contract's subject has a `{caller}` of its own.
 */
export function contractSubject(contract: Pick<Contract, 'subject' | 'audience'>): Subject {
  const subject = parseSubject(contract.subject)
  if (subject.params.includes(callerParam) || contract.audience.includes('functions'))
    return subject
  return parseSubject(`as.{${callerParam}}.${contract.subject}`)
}
