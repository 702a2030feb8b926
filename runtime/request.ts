import { headers, type Msg } from '@nats-io/nats-core'
import { CallContext, type FunctionHost, readObject } from './context.ts'
import { defaultTimeoutMs, type Schema, timeoutHeader } from './contract.ts'
import type { Dispatcher, Job } from './dispatch.ts'
import { type ErrorBody, errorStatus, type FunctionError } from './error.ts'
import { isToken, parseSubject, type Subject } from './subject.ts'
import { beginTrace, endTrace, type Trace, withTrace } from './trace.ts'
import { toFunctionError } from './unavailable.ts'
import { describeIssues, type Validation, validate } from './validate.ts'

/** The longest a caller may ask a function to go on, in milliseconds. */
const longestMs = 300_000

type Incoming = Pick<Msg, 'data' | 'headers' | 'json' | 'reply' | 'respond' | 'subject'>

/** What all requests, or events, of a function have in common. */
export interface RequestKind {
  readonly host: FunctionHost
  readonly dispatcher: Dispatcher
  readonly subject: Subject
  readonly input: Schema
  /** Absent for events: what a handler of those returns is nobody's. */
  readonly output: Schema | undefined
  readonly timeoutMs: number
  /** Whether {caller} stands in the subject. */
  readonly hasCaller: boolean
}

export function requestKind(host: FunctionHost, dispatcher: Dispatcher): RequestKind {
  const { contract, trigger } = host.loaded.definition
  const topic = trigger?.kind === 'event' ? trigger.topic : undefined
  const subject = parseSubject(host.loaded.subject ?? topic?.subject ?? '')
  const input = contract?.input ?? topic?.data
  if (!input) throw new TypeError(`${host.loaded.name} is neither a request nor an event`)
  return {
    host,
    dispatcher,
    subject,
    input,
    output: contract?.output,
    timeoutMs: contract?.timeoutMs ?? defaultTimeoutMs,
    hasCaller: subject.params.includes('caller'),
  }
}

/** One message that asks for a function: parsed, handled, answered once. */
export class RequestJob implements Job {
  readonly until: number
  readonly #kind: RequestKind
  readonly #message: Incoming
  #context: CallContext | undefined
  #started = false
  #answered = false

  constructor(kind: RequestKind, message: Incoming) {
    this.#kind = kind
    this.#message = message
    this.until = performance.now() + readTimeout(message, kind.timeoutMs)
  }

  async run(): Promise<void> {
    if (this.#answered) return
    this.#started = true
    const { host, dispatcher } = this.#kind
    const { stats } = dispatcher
    const started = performance.now()
    const traced = this.#beginTrace()
    let fault: Error | undefined
    try {
      const refusal = await this.#handle(traced)
      if (refusal) {
        stats.failed(refusal.message)
        this.#refuse(refusal)
      }
    } catch (error) {
      fault = error instanceof Error ? error : new Error(`thrown: ${String(error)}`)
      const refusal = toFunctionError(error)
      if (refusal !== error) host.log.error({ err: error, code: refusal.code }, 'function failed')
      // One that had been refused already, as overdue, has been counted.
      if (!this.#answered) stats.failed(refusal.message)
      this.#refuse(refusal)
    }
    stats.ended(performance.now() - started)
    if (traced) endTrace(traced, fault)
  }

  refuse(reason: FunctionError): void {
    if (this.#answered) return
    const { stats } = this.#kind.dispatcher
    if (reason.code === 'timeout') stats.timeouts++
    stats.failed(reason.message)
    // What never ran is counted here, what runs when it ends.
    if (!this.#started) stats.requests++
    this.#refuse(reason)
    this.#context?.abort(reason)
  }

  async #handle(traced: Trace | undefined): Promise<ErrorBody | undefined> {
    const { host, input, output } = this.#kind
    const values = this.#read()
    if ('code' in values) return values.refusal
    const parsed = await settle(validate(input, values.data))
    if (parsed.issues) return invalid('The input does not fit', parsed.issues)

    const context = new CallContext(host, values.caller, this.until, traced)
    this.#context = context
    const { handle } = host.loaded.definition
    const value = await withTrace(traced, () => handle(parsed.value as never, context))
    if (!output) return undefined

    const answer = await settle(validate(output, value))
    if (answer.issues)
      throw new TypeError(`its answer does not fit its contract: ${describeIssues(answer.issues)}`)
    this.#respond(JSON.stringify(answer.value) ?? 'null')
    return undefined
  }

  /** The caller, and payload and subject as one. What does not fit is a value here: it is cheaper. */
  #read() {
    const { subject, hasCaller } = this.#kind
    const message = this.#message
    const carried = subject.params.length === 0 ? undefined : subject.read(message.subject)
    const caller = hasCaller ? (carried?.caller ?? '') : ''
    if (hasCaller && !isToken(caller))
      return refusal(`"${caller}" in the subject ${message.subject} cannot be a caller`)
    if (carried) delete carried.caller
    try {
      const payload = message.data.length === 0 ? {} : readObject(() => message.json())
      for (const name in carried)
        if (Object.hasOwn(payload, name) && (payload as typeof carried)[name] !== carried[name])
          return refusal(`"${name}" in the payload is not what the subject says: ${carried[name]}`)
      return { caller, data: carried ? { ...payload, ...carried } : payload }
    } catch (error) {
      return refusal((error as Error).message)
    }
  }

  #beginTrace() {
    try {
      return beginTrace(this.#kind.host.loaded.name, this.#message.headers)
    } catch {
      // Headers that cannot be read carry no trace; see readTimeout.
      return undefined
    }
  }

  #respond(payload: string) {
    if (this.#answered) return
    // Throws for what is too large to send, and that is then the answer.
    this.#message.respond(payload)
    this.#answered = true
  }

  #refuse(reason: FunctionError | ErrorBody) {
    if (this.#answered) return
    this.#answered = true
    if (!this.#message.reply) {
      const { code, message } = reason
      this.#kind.host.log.info({ code, reason: message }, 'refused, with nobody to tell')
      return
    }
    const hdrs = headers()
    hdrs.set('Nats-Service-Error-Code', String(errorStatus[reason.code]))
    hdrs.set('Nats-Service-Error', reason.message.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200))
    try {
      this.#message.respond(JSON.stringify(reason), { headers: hdrs })
    } catch (error) {
      this.#kind.host.log.error({ err: error, code: reason.code }, 'the refusal could not be sent')
    }
  }
}

function refusal(message: string) {
  return { code: 'invalid', refusal: { code: 'invalid', message } } as const
}

function invalid(what: string, issues: readonly { path: string; message: string }[]): ErrorBody {
  return { code: 'invalid', message: `${what}: ${describeIssues(issues)}`, details: issues }
}

function settle(validation: Validation | Promise<Validation>) {
  return validation
}

/**
 * What a caller says about its patience. Headers come from outside: one that cannot be read, or says
 * nonsense, says nothing.
 */
function readTimeout(message: Incoming, usualMs: number): number {
  try {
    const ms = Number(message.headers?.get(timeoutHeader) || usualMs)
    return ms > 0 ? Math.min(ms, longestMs) : usualMs
  } catch {
    return usualMs
  }
}
