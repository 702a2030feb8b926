import { setTimeout as sleep } from 'node:timers/promises'
import type { JsMsg } from '@nats-io/jetstream'
import { bulkhead } from 'cockatiel'
import type { Logger } from 'pino'
import { describeCauses, isUnavailable } from '../nats/unavailable.ts'
import type { BatchItem } from './batch-job.ts'

const [minRetryMs, maxRetryMs] = [250, 5_000]
const maxAlone = 8
const remindMs = 300_000

export interface WaitingOptions {
  readonly batch: number
  readonly maxWaitMs: number
  readonly log: Logger
  readonly stopping: AbortSignal
  attempt(items: readonly BatchItem<JsMsg>[]): Promise<Error | undefined>
  onFault(message: JsMsg, error: Error): Promise<void>
  deadLetter(message: JsMsg, reason: string): Promise<void>
}

interface Waiting {
  readonly item: BatchItem<JsMsg>
  readonly until: number
  error: Error
  wasTriedAlone: boolean
  isBusy: boolean
  isSuperseded: boolean
}

/**
 * The messages that failed because a dependency is unavailable, or because their batch timed out.
 * They are retried here with back-off, so that they do not block the other messages of their batch,
 * or later messages. A retry is not a redelivery, so it does not count towards the 50 deliveries
 * after which a message becomes a dead letter (`maxDeliveries`).
 */
export class WaitingMessages {
  readonly #options: WaitingOptions
  readonly #waiting = new Set<Waiting>()
  readonly #tasks = new Set<Promise<void>>()
  readonly #alone = bulkhead(maxAlone, Number.POSITIVE_INFINITY)
  #isRetrying = false
  #isOutage = false
  #remindAt = 0

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  get messages(): JsMsg[] {
    return [...this.#waiting].map(({ item }) => item.message)
  }

  add(items: readonly BatchItem<JsMsg>[], error: Error): void {
    const { maxWaitMs, log } = this.#options
    const isOutage = isUnavailable(error)
    if (isOutage) this.#beginOutage(error)
    else log.warn({ err: error, messages: items.length }, 'batch failed, trying its messages alone')
    const wasTriedAlone = items.length === 1
    const until = performance.now() + maxWaitMs
    const added = items.map((item) => ({
      item,
      until,
      error,
      wasTriedAlone,
      isBusy: false,
      isSuperseded: false,
    }))
    for (const waiting of added) this.#waiting.add(waiting)
    if (!wasTriedAlone) this.#run(this.#tryApart(added, isOutage))
    if (!this.#isRetrying) this.#run(this.#retryUntilEmpty())
  }

  /**
   * Must be called when the handler has returned without an error. Ends the outage, unless messages
   * still wait.
   */
  succeeded(): void {
    // While a message waits, the outage is not over: the message may need another dependency.
    if (!this.#isOutage || this.#waiting.size > 0) return
    this.#isOutage = false
    this.#options.log.info('dependency available again')
  }

  /**
   * Logs one warning at the beginning of an outage, instead of one for each message that fails.
   * While messages wait, `#remind` logs another warning every five minutes.
   */
  #beginOutage(error: Error) {
    if (this.#isOutage) return
    this.#isOutage = true
    this.#remindAt = performance.now() + remindMs
    this.#options.log.warn({ reason: describeCauses(error) }, 'dependency unavailable, retrying')
  }

  supersede({ subject }: JsMsg): void {
    for (const waiting of this.#waiting) {
      if (waiting.item.message.subject !== subject) continue
      waiting.isSuperseded = true
      if (!waiting.isBusy) this.#drop(waiting)
    }
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#tasks)
    for (const { item } of this.#waiting) item.message.nak()
    this.#waiting.clear()
  }

  #run(task: Promise<void>) {
    this.#tasks.add(task)
    task
      .catch((err) => this.#options.log.error({ err }, 'retry failed'))
      .finally(() => this.#tasks.delete(task))
  }

  async #retryUntilEmpty() {
    const { stopping } = this.#options
    this.#isRetrying = true
    for (let retryMs = minRetryMs; this.#waiting.size > 0; ) {
      await sleep(this.#delay(retryMs), undefined, { signal: stopping }).catch(() => undefined)
      if (stopping.aborted) break
      const before = this.#waiting.size
      await this.#retry([...this.#waiting].filter(({ isBusy }) => !isBusy))
      const messages = this.#waiting.size
      retryMs = messages < before ? minRetryMs : Math.min(retryMs * 2, maxRetryMs)
      this.#remind()
    }
    this.#isRetrying = false
  }

  #remind() {
    const [first] = this.#waiting
    if (!first || performance.now() < this.#remindAt) return
    this.#remindAt = performance.now() + remindMs
    const details = { messages: this.#waiting.size, reason: describeCauses(first.error) }
    this.#options.log.warn(details, 'messages wait for an unavailable dependency')
  }

  #delay(retryMs: number) {
    const now = performance.now()
    let delay = retryMs
    for (const { until, isBusy } of this.#waiting) if (!isBusy) delay = Math.min(delay, until - now)
    return Math.max(10, delay)
  }

  async #retry(ready: readonly Waiting[]) {
    const now = performance.now()
    const [over, rest] = [ready.filter(isOver), ready.filter((waiting) => !isOver(waiting))]
    await this.#withBusy(over, () => Promise.all(over.map((waiting) => this.#tryLast(waiting))))
    await this.#withBusy(rest, () => this.#tryTogether(rest))

    function isOver({ until }: Waiting) {
      return until <= now
    }
  }

  async #tryLast(waiting: Waiting) {
    if (!waiting.wasTriedAlone) await this.#tryAlone(waiting)
    else await this.#giveUp(waiting)
  }

  /**
   * Passes the messages to the handler in batches. After the first failed batch, passes a sample of
   * the remaining messages to the handler, each alone. If all of them fail because a dependency is
   * still unavailable, ends. Otherwise, passes each message of a failed batch to the handler alone.
   */
  async #tryTogether(ready: readonly Waiting[]) {
    const { batch, attempt } = this.#options
    let isSampled = false
    const size = Math.max(batch, maxAlone)
    for (let start = 0; start < ready.length; start += size) {
      if (this.#options.stopping.aborted) return
      const group = ready.slice(start, start + size)
      if (group.length > 1 && group.length <= batch) {
        if (!(await attempt(group.map(({ item }) => item)))) {
          for (const waiting of group) this.#waiting.delete(waiting)
          this.succeeded()
          continue
        }
      }
      if (!isSampled && !(await this.#trySample(ready.slice(start)))) return this.#moveToEnd(group)
      isSampled = true
      await this.#tryEach(group)
    }
  }

  #tryApart(items: readonly Waiting[], canWait: boolean) {
    return this.#withBusy(items, async () => {
      if (!canWait || (await this.#trySample(items))) await this.#tryEach(items)
    })
  }

  async #trySample(items: readonly Waiting[]): Promise<boolean> {
    const step = Math.max(1, items.length / maxAlone)
    const sample: Waiting[] = []
    for (let start = 0; start < items.length; start += step) {
      const waiting = items[Math.floor(start + Math.random() * step)]
      if (waiting) sample.push(waiting)
    }
    const outcomes = await Promise.all(sample.map((waiting) => this.#tryAlone(waiting)))
    return outcomes.includes(true)
  }

  async #tryEach(items: readonly Waiting[]) {
    const remaining = items.filter((waiting) => this.#waiting.has(waiting))
    await Promise.all(remaining.map((waiting) => this.#tryAlone(waiting)))
  }

  /**
   * Passes one message to the handler. Returns false if a dependency is still unavailable, or if
   * the process is stopping.
   */
  #tryAlone(waiting: Waiting): Promise<boolean> {
    return this.#alone.execute(async () => {
      const { attempt, onFault, stopping } = this.#options
      const { item } = waiting
      if (stopping.aborted) return false
      const error = await attempt([item])
      if (!error) {
        this.#waiting.delete(waiting)
        this.succeeded()
        return true
      }
      if (stopping.aborted) return false
      if (!isUnavailable(error)) {
        this.#waiting.delete(waiting)
        await onFault(item.message, error)
        return true
      }
      waiting.error = error
      waiting.wasTriedAlone = true
      if (waiting.until <= performance.now()) await this.#giveUp(waiting)
      return false
    })
  }

  async #giveUp(waiting: Waiting) {
    const { maxWaitMs, deadLetter } = this.#options
    this.#waiting.delete(waiting)
    const reason = describeCauses(waiting.error)
    await deadLetter(
      waiting.item.message,
      `a dependency was unavailable for ${maxWaitMs / 1_000} s: ${reason}`,
    )
  }

  async #withBusy(items: readonly Waiting[], work: () => Promise<unknown>) {
    for (const waiting of items) waiting.isBusy = true
    await work()
    for (const waiting of items) {
      waiting.isBusy = false
      if (waiting.isSuperseded && this.#waiting.has(waiting)) this.#drop(waiting)
    }
  }

  #drop(waiting: Waiting) {
    this.#waiting.delete(waiting)
    waiting.item.message.ack()
  }

  #moveToEnd(items: readonly Waiting[]) {
    for (const waiting of items) if (this.#waiting.delete(waiting)) this.#waiting.add(waiting)
  }
}
