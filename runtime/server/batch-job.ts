import type { FunctionError } from '../api/errors.ts'
import type { Delivered } from '../jetstream/dead-letters.ts'
import { toFunctionError } from '../nats/unavailable.ts'
import { beginTrace, endTrace, joinTrace, type Trace, withTrace } from '../tracing/trace-context.ts'
import { CallContext } from './call-context.ts'
import type { Dispatcher, Job } from './dispatcher.ts'
import { toError } from './faults.ts'
import type { FunctionHost } from './function-host.ts'

export interface BatchItem<Message extends Delivered = Delivered> {
  message: Message
  value: unknown
}

export interface BatchJobOptions {
  readonly host: FunctionHost
  readonly dispatcher: Dispatcher
  readonly timeoutMs: number
  group(values: readonly unknown[]): unknown
}

/**
 * Means that the handler did not return in time, perhaps because of the message itself. A
 * FunctionError with the code `timeout`, by contrast, means that a dependency did not respond.
 */
export class HandlerTimeoutError extends Error {
  override name = 'HandlerTimeoutError'
}

/**
 * Calls the handler once with a batch. `outcome` resolves to undefined on success, otherwise to the
 * error. The timeout begins when the handler is called, so it does not include the time in the
 * queue.
 */
export class BatchJob implements Job {
  readonly caller = ''
  until = Number.POSITIVE_INFINITY
  slot = -1
  readonly #options: BatchJobOptions
  readonly #items: readonly BatchItem[]
  readonly #trace: Trace | undefined
  #context: CallContext | undefined
  readonly #refused = Promise.withResolvers<never>()
  readonly #outcome = Promise.withResolvers<Error | undefined>()

  constructor(options: BatchJobOptions, items: readonly BatchItem[]) {
    this.#options = options
    this.#items = items
    this.#trace = beginTrace(options.host.loaded.name, items[0]?.message.headers)
  }

  get outcome(): Promise<Error | undefined> {
    return this.#outcome.promise
  }

  run(ended: (job: Job) => void): boolean {
    const { host, timeoutMs } = this.#options
    this.until = performance.now() + timeoutMs
    const context = new CallContext(host, '', this.until, this.#trace)
    this.#context = context
    void this.#call(context).then((error) => {
      ended(this)
      this.#outcome.resolve(error)
    })
    return false
  }

  refuse(reason: FunctionError): void {
    if (!this.#context) {
      this.#outcome.resolve(reason)
      return
    }
    const { dispatcher, timeoutMs } = this.#options
    const isTimeout = reason.code === 'timeout'
    if (isTimeout) dispatcher.stats.timeouts++
    // Rejects `#refused` before it aborts the handler's signal. Otherwise, an error that the
    // handler throws because of the abort could become the outcome.
    this.#refused.reject(
      isTimeout ? new HandlerTimeoutError(`timeout: not done after ${timeoutMs} ms`) : reason,
    )
    this.#context.abort(reason)
  }

  async #call(context: CallContext): Promise<Error | undefined> {
    const { host, dispatcher, group } = this.#options
    const { stats } = dispatcher
    const items = this.#items
    const traced = this.#trace
    const startedAt = performance.now()
    try {
      const input = group(items.map(({ value }) => value))
      const { handle } = host.loaded.definition
      const result = host.run(() => withTrace(traced, () => handle(input as never, context)))
      await Promise.race([result, this.#refused.promise])
      for (const { message } of items) message.ack()
      stats.ended(performance.now() - startedAt, items.length)
      this.#recordSpans(startedAt)
      if (traced) endTrace(traced)
      return undefined
    } catch (thrown) {
      const error = toError(thrown)
      const isTimeout = error instanceof HandlerTimeoutError
      stats.storageFailed(error)
      stats.failed(isTimeout ? 'timeout' : toFunctionError(error).code, error.message)
      this.#recordSpans(startedAt, error)
      if (traced) endTrace(traced, { code: 'internal', error })
      return error
    }
  }

  /**
   * Records one span for each message that belongs to a sampled trace. If there is no such message,
   * records at most one span for the batch.
   */
  #recordSpans(startedAt: number, error?: Error) {
    const { spans } = this.#options.host
    const completed = {
      startedAt,
      endedAt: performance.now(),
      batch: this.#items.length,
      code: error ? ('internal' as const) : undefined,
      error: error?.message,
    }
    let isRecorded = false
    this.#items.forEach(({ message }, index) => {
      const part = index === 0 ? this.#trace?.part : joinTrace(message.headers)
      if (part) spans.record({ ...completed, part, seq: message.seq })
      isRecorded ||= part !== undefined
    })
    const { endedAt, code } = completed
    if (!isRecorded && spans.shouldRecord(undefined, startedAt, endedAt, code))
      spans.record(completed)
  }
}
