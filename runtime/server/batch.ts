import type { JsMsg } from '@nats-io/jetstream'
import { overlaps } from '../api/subject.ts'
import { type Delivered, deadLetterHeaders } from '../jetstream/dead-letters.ts'
import { publishStored } from '../jetstream/publish.ts'
import { isUnavailable } from '../nats/unavailable.ts'
import { type BatchItem, BatchJob, type BatchJobOptions, HandlerTimeoutError } from './batch-job.ts'
import { toError } from './faults.ts'
import { WaitingMessages } from './waiting-messages.ts'

const redeliveryMs = 5_000
const otherTopicMs = 1_000
/**
 * A message that is delivered more often than this becomes a dead letter, because it may crash each
 * process that handles it.
 */
const maxDeliveries = 50

export interface BatchOptions extends BatchJobOptions {
  readonly filter: string
  readonly batch: number
  readonly backoffMs: readonly number[]
  readonly maxWaitMs: number
  readonly onlyLatest: boolean
  decode(message: Delivered): unknown
}

/**
 * Passes batches to the handler, and splits a batch that fails. A single message that fails is
 * redelivered with back-off, and finally becomes a dead letter. If a batch fails because a
 * dependency is unavailable, its messages wait in {@link WaitingMessages}, so that they do not
 * block later messages.
 */
export class BatchProcessor {
  readonly #options: BatchOptions
  readonly #stopping: AbortSignal
  readonly #waiting: WaitingMessages

  constructor(options: BatchOptions, stopping: AbortSignal) {
    this.#options = options
    this.#stopping = stopping
    this.#waiting = new WaitingMessages({
      batch: options.batch,
      maxWaitMs: options.maxWaitMs,
      log: options.host.log,
      stopping,
      attempt: (items) => this.#attempt(items),
      onFault: (message, error) => this.#retryOrDeadLetter(message, error),
      deadLetter: (message, reason) => this.#deadLetter(message, reason),
    })
  }

  get waiting(): readonly JsMsg[] {
    return this.#waiting.messages
  }

  async process(received: readonly JsMsg[]): Promise<void> {
    const items = await this.#decodeAll(received)
    if (this.#options.onlyLatest) for (const { message } of items) this.#waiting.supersede(message)
    if (items.length > 0) await this.#handle(items)
  }

  stop(): Promise<void> {
    return this.#waiting.stop()
  }

  async replay(message: Delivered): Promise<void> {
    const error = await this.#attempt([{ message, value: this.#options.decode(message) }])
    if (error) throw error
  }

  async #decodeAll(received: readonly JsMsg[]): Promise<BatchItem<JsMsg>[]> {
    const items: BatchItem<JsMsg>[] = []
    for (const message of received) {
      const { deliveryCount } = message.info
      if (deliveryCount > maxDeliveries) {
        await this.#deadLetter(message, `delivered ${deliveryCount} times without an outcome`)
        continue
      }
      // During a rolling restart, a process of another version may have changed the topic of the
      // consumer, which both processes share. Messages of the other topic are left for that
      // process.
      if (!overlaps(this.#options.filter, message.subject)) {
        message.nak(otherTopicMs)
        continue
      }
      try {
        items.push({ message, value: this.#options.decode(message) })
      } catch (error) {
        await this.#deadLetter(message, toError(error).message)
      }
    }
    return items
  }

  async #handle(items: readonly BatchItem<JsMsg>[]): Promise<void> {
    const error = await this.#attempt(items)
    if (!error) return this.#waiting.succeeded()
    if (this.#stopping.aborted) return nakAll(items)
    const [first] = items
    const isAlone = items.length === 1
    // A batch of several messages that exceeds its time limit waits too, as if a dependency were
    // unavailable. It is not split here, because each half could take the whole time limit again.
    if (isUnavailable(error) || (error instanceof HandlerTimeoutError && !isAlone))
      return this.#waiting.add(items, error)
    if (isAlone && first) return this.#retryOrDeadLetter(first.message, error)
    const half = Math.ceil(items.length / 2)
    await this.#handle(items.slice(0, half))
    return this.#handle(items.slice(half))
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

  /**
   * Stores the dead letter before it ends the redelivery of the message, so that no message is
   * lost.
   */
  async #deadLetter(message: JsMsg, reason: string) {
    const { host, dispatcher } = this.#options
    const { service } = host.loaded
    const { subject, seq } = message
    try {
      const headers = deadLetterHeaders(message, service, reason)
      await publishStored(host.backbone.requester, `dead.${service}`, message.data, {
        headers,
        hasId: true,
      })
      message.term(reason.slice(0, 200))
      dispatcher.stats.failed('dead_letter', reason)
      dispatcher.stats.requests++
      host.log.error({ subject, seq, reason }, 'dead letter')
    } catch (error) {
      dispatcher.stats.storageFailed(error)
      host.log.error({ err: error, seq }, 'dead letter not stored, message will be redelivered')
      message.nak(redeliveryMs)
    }
  }
}

function nakAll(items: readonly BatchItem<JsMsg>[]) {
  for (const { message } of items) message.nak()
}
