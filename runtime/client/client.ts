import { headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core'
import {
  type Contract,
  contractSubject,
  defaultTimeoutMs,
  type InputOf,
  type OutputOf,
  type ParsedDataOf,
  pushHeader,
  type Topic,
  timeoutHeader,
} from '../api/contract.ts'
import { type ErrorCode, FunctionError, isErrorCode } from '../api/errors.ts'
import { type ParamNames, parseSubject, type Subject } from '../api/subject.ts'
import { createRequester, type Requester } from './requester.ts'

type Contracts = Readonly<Record<string, Contract>>

/** What any call can end in, whatever its contract says. */
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

/** The codes a call of this contract can end in. */
export type CodeOf<C extends Contract> =
  | CommonCode
  | (C['errors'] extends readonly (infer Code extends ErrorCode)[] ? Code : never)

/** Why a call has no answer. The same class the functions throw: `code` is what to switch on. */
export type CallError<Code extends ErrorCode = ErrorCode> = FunctionError<Code>

export type Answer<C extends Contract> =
  | { ok: true; value: OutputOf<C> }
  | { ok: false; error: CallError<CodeOf<C>> }

export interface CallOptions {
  /** How long to wait, in milliseconds; the function is told. The contract's time unless said. */
  timeoutMs?: number
  signal?: AbortSignal
}

export interface ClientOptions<All extends Contracts> {
  contracts: All
  /** Who is logged in: the token people's subjects carry. Not needed where functions call functions. */
  user?: string
  /** The prefix of reply subjects. `_INBOX_{user}` with a user, `_INBOX` without. */
  inboxPrefix?: string
  /** More headers for a call of that name: `traceparent`, where somebody traces. */
  headers?: (name: keyof All) => MsgHdrs | undefined
}

export interface Client<All extends Contracts = Contracts> {
  /** Asks a function by name. Rejects with a {@link CallError}. */
  call<Name extends keyof All>(
    name: Name,
    input: InputOf<All[Name]>,
    options?: CallOptions,
  ): Promise<OutputOf<All[Name]>>
  /** Asks a function by name; a refusal is a value too, its code one of the contract's. */
  try<Name extends keyof All>(
    name: Name,
    input: InputOf<All[Name]>,
    options?: CallOptions,
  ): Promise<Answer<All[Name]>>
  /**
   * Hears a topic; answers with what stops it. Parts of the subject that are left out match
   * anything. Of topics that are pushed to people, what no function pushed is passed over.
   */
  listen<T extends Topic>(
    topic: T,
    params: Partial<Record<ParamNames<T['subject']>, string>>,
    hear: (data: ParsedDataOf<T>) => void,
  ): () => void
  /** Asks and does not wait: no answer, no refusal, no word about either. */
  publish<Name extends keyof All>(name: Name, input: InputOf<All[Name]>): void
  /** Ends all listening; calls still waiting end as `disconnected`. The connection stays. */
  close(): void
}

/** Makes a client on a connection. One for each connection is enough. */
export function createClient<const All extends Contracts>(
  nc: NatsConnection,
  options: ClientOptions<All>,
): Client<All> {
  const { contracts, user, headers: more } = options
  const requester = createRequester(
    nc,
    options.inboxPrefix ?? (user === undefined ? '_INBOX' : `_INBOX_${user}`),
  )
  const asks = new Map<PropertyKey, ContractCaller>()
  const stops = new Set<() => void>()

  function askFor(name: PropertyKey): ContractCaller {
    const known = asks.get(name)
    if (known) return known
    const contract = contracts[name as string]
    if (!contract) throw new TypeError(`There is no contract for ${String(name)}`)
    const made = createContractCaller(requester, contract, user)
    asks.set(name, made)
    return made
  }

  const client: Client<All> = {
    async call(name, input, options) {
      return (await askFor(name).ask(input as object, {
        ...options,
        headers: more?.(name),
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
    listen(topic, params, hear) {
      const stop = listen(nc, topic, params, hear as (data: unknown) => void)
      stops.add(stop)
      return () => {
        if (stops.delete(stop)) stop()
      }
    },
    publish(name, input) {
      const { subject, payload } = askFor(name).write(input as object)
      nc.publish(subject, payload)
    },
    close() {
      for (const stop of stops) stop()
      stops.clear()
      requester.close()
    },
  }
  return client
}

/** Whether what was caught is a call's refusal rather than a fault of the program. */
export function isCallError(error: unknown): error is CallError {
  return error instanceof FunctionError
}

export interface ContractCaller {
  ask(values: object, options?: AskOptions): Promise<unknown>
  write(values: object): { subject: string; payload: string }
}

interface AskOptions extends CallOptions {
  /** More headers: the trace. */
  headers?: MsgHdrs | undefined
}

/** A contract made ready to be asked: what differs from call to call is the values alone. */
export function createContractCaller(
  requester: Requester,
  contract: Contract,
  caller?: string,
): ContractCaller {
  const subject = contractSubject(contract)
  const usualMs = contract.timeoutMs ?? defaultTimeoutMs
  const write = (values: object) => writeMessage(subject, values, caller)
  return {
    write,
    async ask(values, options = {}) {
      const { subject, payload } = write(values)
      const timeoutMs = options.timeoutMs ?? usualMs
      let hdrs = options.headers
      // A header costs both sides more than all the rest, so the usual time goes unsaid.
      if (timeoutMs !== usualMs) {
        hdrs ??= headers()
        hdrs.set(timeoutHeader, String(Math.ceil(timeoutMs)))
      }
      const { signal } = options
      return readAnswer(
        await requester.request(subject, payload, { headers: hdrs, timeoutMs, signal }),
      )
    },
  }
}

/** Splits data into the subject and the rest. Throws `invalid` for what cannot be a token. */
export function writeMessage(subject: Subject, data: object, caller?: string) {
  const values = data as Record<string, unknown>
  try {
    const payload = JSON.stringify(subject.rest(values))
    return { subject: subject.fill(values, caller), payload }
  } catch (error) {
    throw new FunctionError('invalid', (error as Error).message, { cause: error })
  }
}

/** The value of an answer. Throws what it refuses with. */
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
    throw new FunctionError('internal', `What came on ${message.subject} is not JSON`, {
      cause: error,
    })
  }
}

function listen<T extends Topic>(
  nc: NatsConnection,
  topic: T,
  params: Record<string, unknown>,
  hear: (data: unknown) => void,
): () => void {
  const subject = parseSubject(topic.subject)
  const subscription = nc.subscribe(subject.narrow(params), {
    callback(error, message) {
      if (error) return
      try {
        if (topic.push && !message.headers?.has(pushHeader)) return
        hear({ ...(parse(message) as object), ...subject.read(message.subject) })
      } catch (error) {
        // Thrown here it would end the connection; thrown next it is a fault like any other.
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
