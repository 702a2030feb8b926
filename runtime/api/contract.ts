import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ErrorCode } from './errors.ts'
import { callerParam, parseSubject, type Subject } from './subject.ts'

/** Anything that follows Standard Schema: valibot, zod, arktype… */
export type Schema<In = unknown, Out = In> = StandardSchemaV1<In, Out>

/**
 * What can be asked of a function, and what it answers. Written once, in schema/; the handler, the
 * callers and the tests take their types from it. Safe in a browser.
 */
export interface Contract {
  /**
   * Where it is asked: `room.join.{room}`. Names in braces are fields of `input`. People reach it on
   * `as.{caller}.room.join.{room}`, unless the template itself says where `{caller}` stands.
   */
  readonly subject: string
  readonly input: Schema
  readonly output: Schema
  /**
   * Who may ask: role names, `everyone` who is logged in, or `functions` for other functions alone.
   * What people may publish is derived from this.
   */
  readonly audience: readonly string[]
  /** One line for `nats micro ls`. */
  readonly description?: string
  /** The codes a caller should be ready for, beside those that any call can end in. */
  readonly errors?: readonly ErrorCode[]
  /** How long an answer may take, in milliseconds. 5,000 unless said. */
  readonly timeoutMs?: number
  /**
   * How large a payload may be, in bytes. A larger one is refused as `too_large` before anybody reads
   * it. 65,536 unless said; the server itself carries a megabyte.
   */
  readonly maxBytes?: number
}

/** Something that is told. `data` includes what the subject carries; the payload is the rest. */
export interface Topic {
  readonly subject: string
  readonly data: Schema
  /**
   * True for what functions push to people. A push carries a header that no reply ever does, so that
   * nobody can pass off a reply, sent to a subject of the asker's choice, as a push.
   */
  readonly push?: boolean
}

/** A JetStream stream: created when it is missing, compared when it is there. */
export interface StreamDeclaration {
  readonly stream: string
  readonly subjects: readonly string[]
  /** More of the stream's configuration in the server's own words, durations in nanoseconds. */
  readonly config?: Readonly<Record<string, unknown>>
}

/** A KV bucket: created when it is missing, compared when it is there. */
export interface BucketDeclaration {
  readonly bucket: string
  readonly value: Schema
  /** How long an entry lives after it was last written, in milliseconds. For ever unless said. */
  readonly ttlMs?: number
  /** How long the sign of an expiry stays, in milliseconds. Needed for expiries to be seen. */
  readonly markerTtlMs?: number
  readonly storage?: 'file' | 'memory'
  readonly history?: number
}

export type InputOf<C extends { input: Schema }> = StandardSchemaV1.InferInput<C['input']>
export type ParsedInputOf<C extends { input: Schema }> = StandardSchemaV1.InferOutput<C['input']>
export type OutputOf<C extends { output: Schema }> = StandardSchemaV1.InferOutput<C['output']>
export type AnswerOf<C extends { output: Schema }> = StandardSchemaV1.InferInput<C['output']>
export type DataOf<T extends { data: Schema }> = StandardSchemaV1.InferInput<T['data']>
export type ParsedDataOf<T extends { data: Schema }> = StandardSchemaV1.InferOutput<T['data']>
export type ValueOf<B extends { value: Schema }> = StandardSchemaV1.InferOutput<B['value']>

export const defaultTimeoutMs = 5_000
export const defaultMaxBytes = 65_536
/** How much time is left for the answer, in milliseconds: relative, so that clocks need not agree. */
export const timeoutHeader = 'Natter-Timeout-Ms'
export const pushHeader = 'Natter-Push'

/** Where a contract is asked, with the caller's token in place. */
export function contractSubject(contract: Pick<Contract, 'subject' | 'audience'>): Subject {
  const subject = parseSubject(contract.subject)
  if (subject.params.includes(callerParam) || contract.audience.includes('functions'))
    return subject
  return parseSubject(`as.{${callerParam}}.${contract.subject}`)
}
