import type { MsgHdrs } from '@nats-io/nats-core'
import type { Schema } from '../api/contract.ts'
import { type ErrorBody, type ErrorCode, errorStatus, type FunctionError } from '../api/errors.ts'
import { writeHeaders } from '../api/headers.ts'
import { isToken, tokenAt } from '../api/subject.ts'
import { describeIssues, validateSync } from '../api/validate.ts'
import { toFunctionError } from '../nats/unavailable.ts'
import { beginTrace, endTrace, type Trace, withTrace } from '../tracing/trace-context.ts'
import { CallContext } from './call-context.ts'
import type { Job } from './dispatcher.ts'
import { toError } from './faults.ts'
import { readReplySubject, sendError, sendHint } from './reply.ts'
import { type Incoming, readInput, readLoosely, readTimeout, refusal } from './request-input.ts'
import type { RequestKind } from './request-kind.ts'
import { sendParts } from './streamed-answer.ts'

/** Returned in place of the handler's value if the call was rejected without running the handler. */
const rejected = Symbol('rejected')

export class RequestJob implements Job {
  readonly until: number
  readonly caller: string
  slot = -1
  readonly #kind: RequestKind
  readonly #message: Incoming
  #context: CallContext | undefined
  #isAdmitted = false
  #granted: Promise<void> | undefined
  #startedAt = 0
  #trace: Trace | undefined
  #fault: Error | undefined
  #refusal: FunctionError | ErrorBody | undefined
  #answered = false
  #isRecorded = false

  constructor(kind: RequestKind, message: Incoming) {
    this.#kind = kind
    this.#message = message
    this.until = performance.now() + readTimeout(message, kind.timeoutMs)
    const { callerIndex } = kind.subject
    this.caller = callerIndex < 0 ? '' : tokenAt(message.subject, callerIndex)
    if (callerIndex >= 0) kind.host.backbone.guard.count(this.caller, message.data.length)
  }

  get replySubject(): string {
    return readReplySubject(this.#message, this.#kind.subject.callerIndex)
  }

  admit(refused: (job: Job) => void): boolean {
    const { limiter } = this.#kind.host
    if (!limiter || !isToken(this.caller)) return true
    this.#isAdmitted = true
    try {
      this.#granted = limiter.take(this.caller)
    } catch (error) {
      this.refuse(toFunctionError(error))
      return false
    }
    this.#granted?.catch((error) => {
      // A job that has already started waits for `#granted` in `#handle`, and is rejected there.
      if (this.#startedAt) return
      this.refuse(toFunctionError(error))
      refused(this)
    })
    return true
  }

  run(ended: (job: Job) => void): boolean {
    if (this.#answered) return true
    this.#startedAt = performance.now()
    this.#trace = this.#beginTrace()
    try {
      const value = this.#handle()
      if (isThenable(value)) {
        void this.#settle(value, ended)
        return false
      }
      this.#answer(value)
    } catch (error) {
      this.#fail(error)
    }
    this.#end()
    return true
  }

  refuse(reason: FunctionError): void {
    if (this.#answered) return
    const { stats } = this.#kind.dispatcher
    if (reason.code === 'timeout') stats.timeouts++
    if (reason.code !== 'cancelled') stats.failed(reason.code, reason.message)
    // A job that has not started is counted as a request here. Every other job is counted in #end.
    if (!this.#startedAt) stats.requests++
    this.#refuse(reason)
    if (this.#startedAt) this.#end()
    this.#context?.abort(reason)
  }

  async #settle(value: PromiseLike<unknown>, ended: (job: Job) => void) {
    try {
      this.#answer(await value)
    } catch (error) {
      this.#fail(error)
    }
    this.#end()
    ended(this)
  }

  #handle(): unknown {
    const { host, subject } = this.#kind
    const { caller } = this
    if (subject.callerIndex >= 0 && !isToken(caller))
      return this.#refuseInput(
        refusal(`"${caller}" in the subject ${this.#message.subject} is not a valid caller`),
      )
    // The rate limit is checked before the payload is parsed, so that calls with invalid input also
    // count towards the limit.
    if (!this.#isAdmitted && caller !== '') this.#granted = host.limiter?.take(caller)
    if (!this.#granted) return this.#call()
    this.#prefetch()
    return this.#granted.then(() => this.#call())
  }

  #prefetch() {
    const { host, subject } = this.#kind
    const { prefetch } = host.loaded.definition.options
    if (!prefetch) return
    const context = new CallContext(host, this.caller, this.until, this.#trace)
    host.run(prefetch, { params: subject.read(this.#message.subject) }, context)
  }

  #call(): unknown {
    const { host, input, maxBytes, subject } = this.#kind
    // The call may have been rejected while it waited for the rate limit counter.
    if (this.#answered) return rejected
    const payload = readInput(this.#message, subject, maxBytes)
    if ('refusal' in payload) return this.#refuseInput(payload.refusal)
    const parsed = validateSync(input, payload.data)
    if (parsed.issues) {
      const message = `Invalid input: ${describeIssues(parsed.issues)}`
      return this.#refuseInput({ code: 'invalid', message, details: parsed.issues })
    }
    const context = new CallContext(host, this.caller, this.until, this.#trace, this.#message)
    this.#context = context
    const { handle } = host.loaded.definition
    const { value } = parsed
    const call = () => handle(value as never, context)
    if (this.#kind.chunk) return this.#stream(this.#kind.chunk, call)
    if (!this.#trace?.span) return host.run(handle, value as never, context)
    return host.run(() => withTrace(this.#trace, call))
  }

  #stream(schema: Schema, handle: () => unknown): Promise<unknown> {
    const { host, dispatcher } = this.#kind
    return sendParts(handle, {
      ...{ schema, backbone: host.backbone, replySubject: this.replySubject },
      run: (work) => host.run(() => withTrace(this.#trace, work)),
      isAnswered: () => this.#answered,
      onFirst: () => dispatcher.stats.firstChunk(performance.now() - this.#startedAt),
      cancel: (reason) => this.refuse(reason),
    })
  }

  #refuseInput(reason: ErrorBody) {
    this.#kind.dispatcher.stats.failed(reason.code, reason.message)
    this.#refuse(reason)
    return rejected
  }

  #answer(value: unknown) {
    const { output } = this.#kind
    if (!output || value === rejected || this.#answered) return
    const answer = validateSync(output, value)
    if (answer.issues)
      throw new TypeError(
        `The answer does not match the contract: ${describeIssues(answer.issues)}`,
      )
    // Throws if the answer exceeds the server's maximum payload. The caller then receives the error
    // instead.
    this.#reply(JSON.stringify(answer.value) ?? 'null')
    this.#answered = true
  }

  #fail(error: unknown) {
    const { host, dispatcher } = this.#kind
    this.#fault = toError(error)
    dispatcher.stats.storageFailed(error)
    const refusal = toFunctionError(error)
    if (refusal !== error)
      host.log.error({ err: this.#fault, code: refusal.code }, 'function failed')
    // If the call was already rejected, for example at its deadline, the rejection has been
    // counted.
    if (!this.#answered) dispatcher.stats.failed(refusal.code, refusal.message)
    this.#refuse(refusal)
  }

  #end() {
    if (this.#isRecorded) return
    this.#isRecorded = true
    const { host, dispatcher } = this.#kind
    const [startedAt, endedAt] = [this.#startedAt, performance.now()]
    const refusal = this.#refusal
    const part = this.#trace?.part
    dispatcher.stats.ended(endedAt - startedAt)
    const code = refusal?.code
    if (host.spans.shouldRecord(part, startedAt, endedAt, code)) {
      host.spans.record({
        startedAt,
        endedAt,
        part,
        code,
        error: refusal?.message,
        caller: this.#context?.caller,
        seq: part && this.#context?.streamPosition?.seq,
      })
    }
    if (!this.#trace) return
    endTrace(this.#trace, refusal && { code: refusal.code, error: this.#fault ?? refusal })
  }

  #beginTrace() {
    try {
      return beginTrace(this.#kind.host.loaded.name, this.#message.headers)
    } catch {
      // Reading malformed headers throws. The message is then handled without a trace.
      return undefined
    }
  }

  /**
   * Called for a rejected call that has no reply subject. Only `onRejected` can inform its caller.
   */
  #reject(reason: ErrorBody) {
    const { host, subject } = this.#kind
    const { code, message } = reason
    // At a higher level than debug, a user could fill the log with invalid calls.
    host.log.debug({ code, reason: message }, 'call without a reply rejected')
    const { onRejected } = host.loaded.definition.options
    if (!onRejected) return
    const params = subject.read(this.#message.subject)
    const context = this.#context ?? new CallContext(host, this.caller, this.until, this.#trace)
    const call = { params, data: readLoosely(this.#message) }
    const onFault = (err: unknown) => host.log.error({ err: toError(err) }, 'onRejected failed')
    try {
      // `onRejected` may be an async function, although its type returns nothing, so a rejection is
      // logged.
      const result: unknown = host.run(onRejected, reason, call, context)
      if (isThenable(result)) result.then(undefined, onFault)
    } catch (err) {
      onFault(err)
    }
  }

  #refuse(reason: FunctionError | ErrorBody) {
    if (this.#answered) return
    this.#answered = true
    this.#refusal = reason
    try {
      const headers = errorHeaders(reason.code, reason.message)
      if (!sendError(reason, this.#kind.host.log, (payload) => this.#reply(payload, headers)))
        this.#reject('toJSON' in reason ? reason.toJSON() : reason)
    } catch (error) {
      this.#kind.host.log.error({ err: error, code: reason.code }, 'error reply not sent')
    }
  }

  #reply(payload: string, headers?: MsgHdrs): boolean {
    const { nc } = this.#kind.host.backbone
    const { replySubject } = this
    if (replySubject) nc.publish(replySubject, payload, headers && { headers })
    else sendHint(nc, this.#message.reply)
    return replySubject !== ''
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

function errorHeaders(code: ErrorCode, message: string): MsgHdrs {
  return writeHeaders({
    'Nats-Service-Error-Code': String(errorStatus[code]),
    'Nats-Service-Error': message.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200),
  })
}
