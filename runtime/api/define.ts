import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Logger } from 'pino'
import type { AuthGrant, AuthRequest } from './auth.ts'
import type { KvChange } from './bucket.ts'
import type { Context, FunctionInfo } from './context.ts'
import type {
  AnswerOf,
  BucketDeclaration,
  Contract,
  ParsedDataOf,
  ParsedInputOf,
  Schema,
  StreamDeclaration,
  ValueOf,
  YieldedOf,
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

/** Options of a function, in addition to its contract or trigger. */
export interface FunctionOptions<Env extends Schema = Schema> {
  /** The function's semantic version. Default: `1.0.0`. */
  version?: string
  /**
   * The queue group of the function's instances. Default: the function's name, with `-` in place of
   * `.`.
   */
  queue?: string
  /** Maximum number of calls that run at once in one process. Default: 128. */
  concurrency?: number
  /**
   * Maximum number of waiting calls in one process. Further calls are rejected with `overloaded`.
   * Default: 1,024.
   */
  maxQueued?: number
  /**
   * Maximum numbers of running and of waiting calls of one user in one process. Calls beyond
   * `concurrency` wait, and calls beyond `maxQueued` are rejected with `overloaded`. Default: half
   * of `concurrency` and of `maxQueued`, rounded up.
   */
  perCaller?: { concurrency?: number; maxQueued?: number }
  /**
   * The rate limit for each caller, over all processes. Calls beyond the limit are rejected with
   * `rate_limited` and `retryAfterMs`. Default: no limit.
   */
  limit?: Limit
  /**
   * Starts reading data for the handler while a call waits for the shared rate limit counter. It is
   * called before the input is validated. It must not change any data or throw.
   */
  prefetch?: (call: Pick<RejectedCall, 'params'>, context: Context) => void
  /**
   * Object schema of the environment variables that the handler reads. The start fails if a variable
   * is invalid.
   */
  env?: Env
  /** Runs once in each process before the function is served. If it throws, the start fails. */
  beforeServe?: (options: { env: StandardSchemaV1.InferOutput<Env>; log: Logger }) => Promise<void>
  /**
   * Runs when a call without a reply subject is rejected. Such a caller gets no answer, so this
   * function can inform the caller in another way, such as by an event. Errors that it throws are
   * only logged.
   */
  onRejected?: (reason: ErrorBody, call: RejectedCall, context: Context) => void
  /**
   * Path at which the function is also served over HTTP, on WEBHOOK_PORT: `/orders/paid`. HTTP
   * callers are not authenticated: the handler must verify the request, for example by a signature
   * in its content. Allowed only if the function has the audience `functions` and a subject without
   * parameters.
   */
  webhook?: string
  /**
   * The streams and buckets that the handler uses. The start of a runtime creates missing ones, and
   * updates those that differ from their declaration. The start fails if a differing field is one
   * that the server cannot update.
   */
  resources?: readonly (StreamDeclaration | BucketDeclaration)[]
}

/** A rejected call. Its content is not validated. */
export interface RejectedCall {
  readonly params: Readonly<Record<string, string>>
  /** The payload if it is a JSON object, otherwise `{}`. */
  readonly data: Readonly<Record<string, unknown>>
}

/** A rate limit: at most `max` calls of one caller in any period of `windowMs` milliseconds. */
export interface Limit {
  readonly max: number
  /** A multiple of 1,000 from 1,000 to 60,000. */
  readonly windowMs: number
}

export const maxLimitWindowMs = 60_000

type Handler<T, Env> = T extends Contract & { chunk: Schema }
  ? (
      input: ParsedInputOf<T>,
      context: Context<Env>,
    ) => AsyncGenerator<YieldedOf<T>, AnswerOf<T>, void>
  : T extends Contract
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

/** The default export of a function file, created by {@link defineFunction}. */
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
 * Defines a function by a contract or a trigger, and a handler. The handler's return value is the
 * answer. A FunctionError that the handler throws rejects the call with its code.
 *
 * The handler must be idempotent: it runs concurrently and in several processes, and may run more
 * than once for the same message.
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
  if (typeof declaration !== 'object' || declaration === null)
    throw new TypeError('defineFunction: the first argument is not a contract or a trigger')
  return 'kind' in declaration
}

export function isFunctionDefinition(value: unknown): value is FunctionDefinition {
  return typeof value === 'object' && value !== null && definition in value
}

/** The default export of a file that defines several functions, created by {@link defineFunctions}. */
export interface FunctionSet {
  readonly [functionSet]: true
  readonly functions: Readonly<Record<string, FunctionDefinition>>
}

export const functionSet: unique symbol = Symbol.for('natter.functions') as never

/**
 * Defines several functions in one file. The keys of `functions` are the names of the functions.
 */
export function defineFunctions(
  functions: Readonly<Record<string, FunctionDefinition>>,
): FunctionSet {
  return { [functionSet]: true, functions }
}

export function isFunctionSet(value: unknown): value is FunctionSet {
  return typeof value === 'object' && value !== null && functionSet in value
}

/**
 * A call of a function with a contract, as the middleware in `_around.ts` receives it. Its input is
 * already validated.
 */
export interface GuardedCall {
  readonly function: FunctionInfo
  readonly input: unknown
  readonly context: Context
}

/** The default export of `_around.ts`, created by {@link defineAround}. */
export interface AroundDefinition {
  readonly [around]: true
  readonly run: (call: GuardedCall, next: () => unknown) => unknown
  readonly resources: readonly (StreamDeclaration | BucketDeclaration)[]
}

export const around: unique symbol = Symbol.for('natter.around') as never

/**
 * Defines the middleware of all functions with a contract in a folder. It must be the default
 * export of the folder's file `_around.ts`. `next` calls the handler and returns its value, promise
 * or async generator. The result of `run` is the answer, or the generator of a streamed answer. If
 * `run` throws before it calls `next`, the call is rejected without running the handler.
 */
export function defineAround(
  run: AroundDefinition['run'],
  { resources = [] }: Pick<FunctionOptions, 'resources'> = {},
): AroundDefinition {
  return { [around]: true, run, resources }
}

export function isAroundDefinition(value: unknown): value is AroundDefinition {
  return typeof value === 'object' && value !== null && around in value
}
