import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Logger } from 'pino'
import type { AuthGrant, AuthRequest } from './auth.ts'
import type { KvChange } from './bucket.ts'
import type { Context } from './context.ts'
import type {
  AnswerOf,
  BucketDeclaration,
  Contract,
  ParsedDataOf,
  ParsedInputOf,
  Schema,
  StreamDeclaration,
  ValueOf,
} from './contract.ts'
import type { ErrorBody } from './errors.ts'
import type { StreamMessage } from './stream.ts'
import type {
  CalloutTrigger,
  EventTrigger,
  KvTrigger,
  ScheduleTrigger,
  StreamTrigger,
  Trigger,
} from './trigger.ts'

/** Options of a function, beyond its contract or trigger. */
export interface FunctionOptions<Env extends Schema = Schema> {
  /** The service's semantic version. Default: `1.0.0`. */
  version?: string
  /** The queue group of the function's instances. Default: the name, with `-` for `.`. */
  queue?: string
  /** Calls that run at once in one process. Default: 128. */
  concurrency?: number
  /** Calls that wait in one process; a further one is rejected with `overloaded`. Default: 1,024. */
  maxQueued?: number
  /**
   * The rate limit of each caller over all processes; a call over it is rejected with `rate_limited`
   * and `retryAfterMs`. Default: none.
   */
  limit?: Limit
  /**
   * Starts reading what the handler will need while the shared rate limit counter is queried. Runs
   * before the input is validated. Must not change anything and must not throw.
   */
  prefetch?: (call: Pick<RejectedCall, 'params'>, context: Context) => void
  /** An object schema of the environment variables it reads. A mismatch stops the start. */
  env?: Env
  /** Runs once in each process before the function is served. If it throws, the start fails. */
  beforeServe?: (options: { env: StandardSchemaV1.InferOutput<Env>; log: Logger }) => Promise<void>
  /** Informs a caller that expects no reply about a rejected call. Must not throw. */
  onRejected?: (reason: ErrorBody, call: RejectedCall, context: Context) => void
  /** The streams and buckets that its handler uses; created or compared before it is served. */
  resources?: readonly (StreamDeclaration | BucketDeclaration)[]
}

/** A rejected call without a reply subject. Its content is not validated. */
export interface RejectedCall {
  /** The subject's parameters. */
  readonly params: Readonly<Record<string, string>>
  /** The payload if it is a JSON object, else `{}`. */
  readonly data: Readonly<Record<string, unknown>>
}

/** At most `max` calls of one caller within any `windowMs`. */
export interface Limit {
  readonly max: number
  /** Whole seconds in milliseconds, 1,000 to 60,000. */
  readonly windowMs: number
}

/** The longest window of a rate limit, in milliseconds. */
export const maxLimitWindowMs = 60_000

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
            ? (request: AuthRequest, context: Context<Env>) => Promise<AuthGrant> | AuthGrant
            : never

/** The default export of a file in functions/. Only {@link defineFunction} creates it. */
export interface FunctionDefinition {
  readonly [definition]: true
  readonly contract: Contract | undefined
  readonly trigger: Trigger | undefined
  readonly handle: (input: never, context: Context) => unknown
  readonly options: FunctionOptions
}

/** A registered symbol, so that two copies of this module accept each other's definitions. */
export const definition: unique symbol = Symbol.for('natter.function') as never

/**
 * Defines a function by a contract, or by another trigger, and a handler. The returned value is the
 * answer; a thrown FunctionError rejects the call with its code.
 *
 * The handler must be idempotent: it runs concurrently, in several processes, and possibly more than
 * once for the same message.
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

/** Returns whether {@link defineFunction} created the value. */
export function isFunctionDefinition(value: unknown): value is FunctionDefinition {
  return typeof value === 'object' && value !== null && definition in value
}
