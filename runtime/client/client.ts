import { headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core'
import {
  type ChunkOf,
  type Contract,
  contractSubject,
  defaultTimeoutMs,
  type InputOf,
  type OutputOf,
  type ParsedDataOf,
  pushHeader,
  type Schema,
  type Topic,
  timeoutHeader,
} from '../api/contract.ts'
import { type ErrorCode, FunctionError, isErrorCode } from '../api/errors.ts'
import { type ParamNames, parseSubject, type Subject } from '../api/subject.ts'
import { createRequester, type Requester } from './requester.ts'

type Contracts = Readonly<Record<string, Contract>>

type CommonCode =
  | 'invalid'
  | 'forbidden'
  | 'too_large'
  | 'cancelled'
  | 'internal'
  | 'unavailable'
  | 'overloaded'
  | 'disconnected'
  | 'timeout'

export type CodeOf<C extends Contract> =
  | CommonCode
  | (C['errors'] extends readonly (infer Code extends ErrorCode)[] ? Code : never)

/** The error of a failed call. Its `code` identifies the kind of failure. */
export type CallError<Code extends ErrorCode = ErrorCode> = FunctionError<Code>

export type Answer<C extends Contract> =
  | { ok: true; value: OutputOf<C> }
  | { ok: false; error: CallError<CodeOf<C>> }

export interface CallOptions {
  /**
   * Milliseconds until the call fails with `timeout`. The process that serves the function aborts
   * the call after the same time. Default: the contract's timeout.
   */
  timeoutMs?: number
  /**
   * Milliseconds to wait for an answer before the call is sent again. The time doubles with each
   * repetition. When the connection is lost, the call does not fail with `disconnected`: it is sent
   * again after the reconnect. Use it only for idempotent functions whose answer is not streamed.
   */
  repeatAfterMs?: number
  signal?: AbortSignal
}

/**
 * A streamed answer: a `for await` loop receives its parts. If the loop ends before the last part,
 * the call is cancelled in the function.
 */
export interface AnswerStream<C extends Contract> extends AsyncIterable<ChunkOfAny<C>> {
  /**
   * The final answer, which follows the last part. If the call fails, rejects with the
   * {@link CallError} that the loop throws.
   */
  readonly output: Promise<OutputOf<C>>
}

type ChunkOfAny<C> = C extends { chunk: Schema } ? ChunkOf<C> : never

export interface ClientOptions<All extends Contracts> {
  contracts: All
  /**
   * The logged-in user's id, which replaces `{caller}` in subjects. Undefined if the caller is a
   * service instead of a user.
   */
  user?: string
  headers?: (name: keyof All) => MsgHdrs | undefined
}

export interface Client<All extends Contracts = Contracts> {
  /** Calls a function by name. Rejects with a {@link CallError}. */
  call<Name extends keyof All>(
    name: Name,
    input: InputOf<All[Name]>,
    options?: CallOptions,
  ): Promise<OutputOf<All[Name]>>
  /** Calls a function by name and returns errors as values, typed by the contract's codes. */
  try<Name extends keyof All>(
    name: Name,
    input: InputOf<All[Name]>,
    options?: CallOptions,
  ): Promise<Answer<All[Name]>>
  /**
   * Calls a function whose contract has a `chunk`. Iterate over the result to receive the parts of its
   * answer.
   */
  stream<Name extends keyof All>(
    name: Name,
    input: InputOf<All[Name]>,
    options?: CallOptions,
  ): AnswerStream<All[Name]>
  /**
   * Subscribes to a topic and returns a function that unsubscribes. A parameter missing from
   * `params` matches any value. For a push topic, ignores messages without the header
   * `Natter-Push`, because no function published them.
   */
  listen<T extends Topic>(
    topic: T,
    params: Partial<Record<ParamNames<T['subject']>, string>>,
    onMessage: (data: ParsedDataOf<T>) => void,
  ): () => void
  /** Publishes a call without a reply subject: there is no answer, and no error is reported. */
  publish<Name extends keyof All>(name: Name, input: InputOf<All[Name]>): void
  /** Ends all subscriptions, and fails pending calls with `disconnected`. The connection stays open. */
  close(): void
}

/** Creates a client on a connection. One client per connection is enough. */
export function createClient<const All extends Contracts>(
  nc: NatsConnection,
  options: ClientOptions<All>,
): Client<All> {
  const { contracts, user, headers: headersOf } = options
  const requester = createRequester(nc, user)
  const callers = new Map<PropertyKey, ContractCaller>()
  const unsubscribers = new Set<() => void>()

  function callerOf(name: PropertyKey): ContractCaller {
    const existing = callers.get(name)
    if (existing) return existing
    const contract = contracts[name as string]
    if (!contract) throw new TypeError(`There is no contract for ${String(name)}`)
    const created = createContractCaller(requester, contract, user)
    callers.set(name, created)
    return created
  }

  const client: Client<All> = {
    async call(name, input, options) {
      return (await callerOf(name).ask(input as object, {
        ...options,
        headers: headersOf?.(name),
      })) as never
    },
    async try(name, input, options) {
      try {
        return { ok: true, value: await client.call(name, input, options) }
      } catch (error) {
        if (!isCallError(error)) throw error
        return { ok: false, error: error as never }
      }
    },
    stream(name, input, options) {
      const headers = headersOf?.(name)
      return openStream(callerOf(name), input as object, { ...options, headers }) as never
    },
    listen(topic, params, onMessage) {
      const unsubscribe = listen(nc, topic, params, onMessage as (data: unknown) => void)
      unsubscribers.add(unsubscribe)
      return () => {
        if (unsubscribers.delete(unsubscribe)) unsubscribe()
      }
    },
    publish(name, input) {
      const { subject, payload } = callerOf(name).write(input as object)
      nc.publish(subject, payload)
    },
    close() {
      for (const unsubscribe of unsubscribers) unsubscribe()
      unsubscribers.clear()
      requester.close()
    },
  }
  return client
}

/**
 * Returns true for the error of a failed call, and false for any other error, such as a TypeError.
 */
export function isCallError(error: unknown): error is CallError {
  return error instanceof FunctionError
}

export interface ContractCaller {
  ask(values: object, options?: AskOptions): Promise<unknown>
  write(values: object): { subject: string; payload: string }
}

interface AskOptions extends CallOptions {
  headers?: MsgHdrs | undefined
  onChunk?: (chunk: unknown) => void
}

/**
 * Creates a sender for all calls of one contract. It parses the subject of the contract only once.
 */
export function createContractCaller(
  requester: Requester,
  contract: Contract,
  caller?: string,
): ContractCaller {
  const subject = contractSubject(contract)
  const defaultMs = contract.timeoutMs ?? defaultTimeoutMs
  const write = (values: object) => writeMessage(subject, values, caller)
  return {
    write,
    async ask(values, options = {}) {
      const { subject, payload } = write(values)
      const timeoutMs = options.timeoutMs ?? defaultMs
      let hdrs = options.headers
      // Headers are the most expensive part of a call. The function knows the default timeout, so
      // only another timeout is sent.
      if (timeoutMs !== defaultMs) {
        hdrs ??= headers()
        hdrs.set(timeoutHeader, String(Math.ceil(timeoutMs)))
      }
      const { signal, onChunk, repeatAfterMs } = options
      if (contract.chunk && repeatAfterMs !== undefined)
        throw new TypeError(
          `${contract.subject} has a streamed answer: call it without repeatAfterMs`,
        )
      const repeat = repeatAfterMs === undefined ? undefined : ('unanswered' as const)
      const request = { headers: hdrs, timeoutMs, signal, repeat, repeatAfterMs }
      if (!contract.chunk) return readAnswer(await requester.request(subject, payload, request))
      const pass = (reply: Msg) => onChunk?.(parse(reply))
      return readAnswer(await requester.stream(subject, payload, { ...request, onChunk: pass }))
    },
  }
}

function openStream(caller: ContractCaller, input: object, options: AskOptions) {
  const stopped = new AbortController()
  const chunks: unknown[] = []
  let wake: (() => void) | undefined
  let isEnded = false
  const output = caller.ask(input, {
    ...options,
    signal: options.signal ? AbortSignal.any([options.signal, stopped.signal]) : stopped.signal,
    onChunk(chunk) {
      chunks.push(chunk)
      wake?.()
    },
  })
  const end = () => {
    isEnded = true
    wake?.()
  }
  // Also handles a rejection of `output`, because a caller may use only the iteration, which throws
  // the same error. Otherwise, the rejection of `output` would then be reported as unhandled.
  output.then(end, end)
  return {
    output,
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          while (chunks.length > 0) yield chunks.shift()
          if (isEnded) return void (await output)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      } finally {
        stopped.abort()
      }
    },
  }
}

export function writeMessage(subject: Subject, data: object, caller?: string) {
  const values = data as Record<string, unknown>
  try {
    const payload = JSON.stringify(subject.rest(values))
    return { subject: subject.fill(values, caller), payload }
  } catch (error) {
    throw new FunctionError('invalid', (error as Error).message, { cause: error })
  }
}

export function readAnswer(reply: Msg): unknown {
  const status = reply.headers?.get('Nats-Service-Error-Code')
  const body = parse(reply)
  if (!status) return body
  const { code, message, details, retryAfterMs } = Object(body) as Record<string, unknown>
  const fallback = reply.headers?.get('Nats-Service-Error') ?? 'The function failed'
  throw new FunctionError(
    isErrorCode(code) ? code : 'internal',
    typeof message === 'string' ? message : fallback,
    { details, ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}) },
  )
}

function parse(message: Msg): unknown {
  if (message.data.length === 0) return undefined
  try {
    return message.json()
  } catch (error) {
    throw new FunctionError('internal', `The message on ${message.subject} is not JSON`, {
      cause: error,
    })
  }
}

function listen<T extends Topic>(
  nc: NatsConnection,
  topic: T,
  params: Record<string, unknown>,
  onMessage: (data: unknown) => void,
): () => void {
  const subject = parseSubject(topic.subject)
  const subscription = nc.subscribe(subject.narrow(params), {
    callback(error, message) {
      if (error) return
      try {
        if (topic.push && !message.headers?.has(pushHeader)) return
        onMessage({ ...(parse(message) as object), ...subject.read(message.subject) })
      } catch (error) {
        // If this callback threw, nats.js would close the connection. An error that is thrown in a
        // microtask leaves the connection open, and is reported as uncaught.
        queueMicrotask(() => {
          throw error
        })
      }
    },
  })
  return () => {
    if (!subscription.isClosed() && !nc.isClosed()) subscription.unsubscribe()
  }
}
