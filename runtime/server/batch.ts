import { setTimeout as sleep } from 'node:timers/promises'
import type { JsMsg } from '@nats-io/jetstream'
import { publishStored } from '../jetstream/api.ts'
import { type Delivered, deadLetterHeaders } from '../jetstream/dead-letters.ts'
import { isUnavailable } from '../nats/unavailable.ts'
import { type BatchItem, BatchJob, type BatchJobOptions } from './batch-job.ts'

/** The shortest and the longest delay before a retry while a dependency is unavailable. */
const [minRetryMs, maxRetryMs] = [250, 5_000]
/** A message that is delivered more often becomes a dead letter: it may kill its process. */
const maxDeliveries = 50

export interface BatchOptions extends BatchJobOptions {
  readonly backoffMs: readonly number[]
  /** Returns the handler's input for one message. Throws a FunctionError if the message is invalid. */
  decode(message: Delivered): unknown
}

/**
 * Retries a batch while a dependency is unavailable, and bisects a batch that fails. A single message
 * that fails is redelivered with back-off, and finally becomes a dead letter.
 */
export class BatchProcessor {
  readonly #options: BatchOptions
  readonly #stopping: AbortSignal

  constructor(options: BatchOptions, stopping: AbortSignal) {
    this.#options = options
    this.#stopping = stopping
  }

  /** Resolves when each message is acknowledged, to be redelivered, or stored as a dead letter. */
  async process(received: readonly JsMsg[]): Promise<void> {
    const items = await this.#decodeAll(received)
    if (items.length > 0) await this.#handle(items)
  }

  /** Calls the handler once with the original message of a dead letter. */
  async replay(message: Delivered): Promise<void> {
    const error = await this.#attempt([{ message, value: this.#options.decode(message) }])
    if (error) throw error
  }

  /** Returns the decoded messages. An invalid or too often delivered message becomes a dead letter. */
  async #decodeAll(received: readonly JsMsg[]): Promise<BatchItem<JsMsg>[]> {
    const items: BatchItem<JsMsg>[] = []
    for (const message of received) {
      const { deliveryCount } = message.info
      if (deliveryCount > maxDeliveries) {
        await this.#deadLetter(message, `delivered ${deliveryCount} times without an outcome`)
        continue
      }
      try {
        items.push({ message, value: this.#options.decode(message) })
      } catch (error) {
        await this.#deadLetter(message, (error as Error).message)
      }
    }
    return items
  }

  async #handle(items: readonly BatchItem<JsMsg>[]): Promise<void> {
    const { log } = this.#options.host
    for (let retryMs = minRetryMs; ; retryMs = Math.min(retryMs * 2, maxRetryMs)) {
      const error = await this.#attempt(items)
      if (!error) return
      if (this.#stopping.aborted) return nakAll(items)
      if (isUnavailable(error)) {
        const messages = items.length
        log.warn({ err: error, retryMs, messages }, 'dependency unavailable, retrying')
        await sleep(retryMs, undefined, { signal: this.#stopping }).catch(() => undefined)
        continue
      }
      const [first] = items
      if (items.length === 1 && first) return this.#retryOrDeadLetter(first.message, error)
      const half = Math.ceil(items.length / 2)
      await this.#handle(items.slice(0, half))
      return this.#handle(items.slice(half))
    }
  }

  #attempt(items: readonly BatchItem[]): Promise<Error | undefined> {
    const job = new BatchJob(this.#options, items)
    this.#options.dispatcher.accept(job)
    return job.outcome
  }

  async #retryOrDeadLetter(message: JsMsg, error: Error) {
    const { backoffMs, host } = this.#options
    const { subject, seq } = message
    const delay = backoffMs[message.info.deliveryCount - 1]
    host.log.error({ err: error, subject, seq, delay }, 'message failed')
    if (delay === undefined) return this.#deadLetter(message, error.message)
    message.nak(delay)
  }

  /** Stores the dead letter first, and only then ends the redelivery of the message. */
  async #deadLetter(message: JsMsg, reason: string) {
    const { host, dispatcher } = this.#options
    const { service } = host.loaded
    const { subject, seq } = message
    const headers = deadLetterHeaders(message, service, reason)
    try {
      await publishStored(host.backbone.requester, `dead.${service}`, message.data, { headers })
      message.term(reason.slice(0, 200))
      dispatcher.stats.failed(reason)
      dispatcher.stats.requests++
      host.log.error({ subject, seq, reason }, 'dead letter')
    } catch (error) {
      host.log.error({ err: error, seq }, 'dead letter not stored, message will be redelivered')
      message.nak(maxRetryMs)
    }
  }
}

function nakAll(items: readonly BatchItem<JsMsg>[]) {
  for (const { message } of items) message.nak()
}
