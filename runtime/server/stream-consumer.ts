import { setTimeout as sleep } from 'node:timers/promises'
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamClient,
  type JsMsg,
} from '@nats-io/jetstream'
import { publishStored } from '../jetstream/api.ts'
import {
  type Delivered,
  deadLetterHeaders,
  discardDeadLetter,
  findDeadLetter,
} from '../jetstream/dead-letters.ts'
import { ignoreNotFound, requireNoDrift } from '../jetstream/resources.ts'
import { isUnavailable } from '../nats/unavailable.ts'
import { beginTrace, endTrace, joinTrace, type Trace, withTrace } from '../tracing/trace-context.ts'
import { CallContext } from './call-context.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { FunctionHost } from './function-host.ts'

const ackWaitMs = 10_000
/** How long to wait before what is away is tried again: doubles up to the second, in milliseconds. */
const [minRetryMs, maxRetryMs] = [250, 5_000]
/** A message that ended this many processes, or was never finished, is not tried for ever. */
const deliveryLimit = 50

export interface ConsumerOptions {
  readonly host: FunctionHost
  readonly dispatcher: Dispatcher
  readonly js: JetStreamClient
  readonly stream: string
  readonly filter: string
  readonly deliver: 'all' | 'new'
  readonly batch: number
  readonly backoffMs: readonly number[]
  readonly timeoutMs: number
  /** A message as the handler takes it. Throws a FunctionError for what no handler should see. */
  decode(message: Delivered): unknown
  /** What the handler is called with. */
  group(items: readonly unknown[]): unknown
}

export interface Consumer {
  /** Takes nothing new, lets the batch under way end, gives back the rest. */
  stop(): Promise<void>
  /** What the server says is still to come. */
  pending(): Promise<{ pending: number; unacknowledged: number }>
  /**
   * Has the handler try a dead letter of its again, and removes that when it has worked. False when it
   * was not there. Throws what it fails with.
   */
  replay(seq: number): Promise<boolean>
}

interface Item<Message extends Delivered = Delivered> {
  message: Message
  value: unknown
}

/**
 * Consumes a stream by a durable consumer that all instances share. Acknowledges after the handler
 * has returned; see `stream` in define.ts for what happens when it does not.
 */
export async function startConsumer(consumption: ConsumerOptions): Promise<Consumer> {
  const { host, dispatcher, js, stream, batch } = consumption
  const durable = host.loaded.service
  const jsm = await js.jetstreamManager()
  await ensureConsumer()
  const consumer = await js.consumers.get(stream, durable)

  const buffer: JsMsg[] = []
  const stopping = new AbortController()
  let wake: (() => void) | undefined
  let inFlight: readonly JsMsg[] = []
  const messages: ConsumerMessages = await consumer.consume({
    max_messages: Math.max(batch * 2, 10),
    callback(message) {
      buffer.push(message)
      wake?.()
    },
  })
  const heartbeat = setInterval(() => {
    for (const message of [...inFlight, ...buffer]) message.working()
  }, ackWaitMs / 3)
  const ended = processBuffer()
  void watchConsumer()

  return {
    async stop() {
      messages.stop()
      stopping.abort()
      wake?.()
      await ended
      clearInterval(heartbeat)
      for (const message of buffer.splice(0)) message.nak()
    },
    async pending() {
      const info = await jsm.consumers.info(stream, durable)
      return { pending: info.num_pending, unacknowledged: info.num_ack_pending }
    },
    async replay(seq) {
      const { requester } = host.backbone
      const found = await findDeadLetter(requester, seq)
      if (found?.letter.service !== durable) return false
      const { message } = found
      const error = await attempt([{ message, value: consumption.decode(message) }])
      if (error) throw error
      await discardDeadLetter(requester, seq)
      return true
    },
  }

  async function ensureConsumer() {
    const declared: Partial<ConsumerConfig> = {
      durable_name: durable,
      filter_subject: consumption.filter,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWaitMs * 1e6,
      max_deliver: -1,
      max_ack_pending: Math.max(batch * 20, 1_000),
      deliver_policy: consumption.deliver === 'all' ? DeliverPolicy.All : DeliverPolicy.New,
    }
    const info = await jsm.consumers.info(stream, durable).catch(ignoreNotFound)
    if (info)
      return requireNoDrift(`consumer ${durable} of ${stream}`, declared, { ...info.config })
    await jsm.consumers.add(stream, declared)
  }

  /** Somebody may delete the consumer, or the stream may come back empty: it is made again. */
  async function watchConsumer() {
    const lost = ['consumer_deleted', 'consumer_not_found', 'stream_not_found']
    for await (const { type } of messages.status()) {
      if (stopping.signal.aborted || !lost.includes(type)) continue
      host.log.error({ stream, reason: type }, 'the consumer is gone; making it again')
      await ensureConsumer().catch((err) => host.log.error({ err }, 'it could not be made'))
    }
  }

  async function processBuffer() {
    while (!stopping.signal.aborted) {
      if (buffer.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      inFlight = buffer.splice(0, batch)
      const items = await decodeAll(inFlight)
      if (items.length > 0) await handle(items)
      inFlight = []
    }
  }

  /** What can be handled; what cannot goes to the dead letters, and no retry would change it. */
  async function decodeAll(received: readonly JsMsg[]): Promise<Item<JsMsg>[]> {
    const items: Item<JsMsg>[] = []
    for (const message of received) {
      if (message.info.deliveryCount > deliveryLimit) {
        await deadLetter(
          message,
          `delivered ${message.info.deliveryCount} times without an outcome`,
        )
        continue
      }
      try {
        items.push({ message, value: consumption.decode(message) })
      } catch (error) {
        await deadLetter(message, (error as Error).message)
      }
    }
    return items
  }

  async function handle(items: readonly Item<JsMsg>[]): Promise<void> {
    for (let retryMs = minRetryMs; ; retryMs = Math.min(retryMs * 2, maxRetryMs)) {
      const error = await attempt(items)
      if (!error) return
      if (stopping.signal.aborted) return nakAll(items)
      if (isUnavailable(error)) {
        host.log.warn({ err: error, retryMs, messages: items.length }, 'waiting for what is away')
        await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
        continue
      }
      const [first] = items
      if (items.length === 1 && first) return retryOrDeadLetter(first.message, error)
      const half = Math.ceil(items.length / 2)
      await handle(items.slice(0, half))
      return handle(items.slice(half))
    }
  }

  /**
   * Has the handler called once; answers with what it failed with, if it did. One that is overdue, or
   * not done when the process must stop, has failed, whatever comes of it later.
   */
  function attempt(items: readonly Item[]): Promise<Error | undefined> {
    const { timeoutMs } = consumption
    const until = performance.now() + timeoutMs
    const traced = beginTrace(host.loaded.name, items[0]?.message.headers)
    const context = new CallContext(host, '', until, traced)
    const refused = Promise.withResolvers<never>()
    const outcome = Promise.withResolvers<Error | undefined>()
    dispatcher.accept({
      until,
      slot: -1,
      run(ended) {
        void call(items, context, traced, refused.promise).then((error) => {
          ended(this)
          outcome.resolve(error)
        })
        return false
      },
      refuse(reason) {
        const isOverdue = reason.code === 'timeout'
        if (isOverdue) dispatcher.stats.timeouts++
        // A plain fault: a message that never ends is not to be waited for like what is away. And
        // first of all, or what the handler makes of its signal would be the outcome.
        refused.reject(isOverdue ? new Error(`timeout: not done after ${timeoutMs} ms`) : reason)
        context.abort(reason)
      },
    })
    return outcome.promise
  }

  async function call(
    items: readonly Item[],
    context: CallContext,
    traced: Trace | undefined,
    refused: Promise<never>,
  ): Promise<Error | undefined> {
    const { stats } = dispatcher
    const started = performance.now()
    try {
      const input = consumption.group(items.map(({ value }) => value))
      const { handle } = host.loaded.definition
      await Promise.race([withTrace(traced, () => handle(input as never, context)), refused])
      for (const { message } of items) message.ack()
      stats.ended(performance.now() - started, items.length)
      recordSpans(items, traced, started)
      if (traced) endTrace(traced)
      return undefined
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`)
      stats.failed(error.message)
      recordSpans(items, traced, started, error)
      if (traced) endTrace(traced, { code: 'internal', error })
      return error
    }
  }

  /** What was handled in one go is a step of each trace that one of the messages belongs to. */
  function recordSpans(
    items: readonly Item[],
    traced: Trace | undefined,
    startedAt: number,
    error?: Error,
  ) {
    const ended = {
      startedAt,
      endedAt: performance.now(),
      batch: items.length,
      code: error ? ('internal' as const) : undefined,
      error: error?.message,
    }
    let isKept = false
    items.forEach(({ message }, index) => {
      const part = index === 0 ? traced?.part : joinTrace(message.headers)
      if (part) host.spans.record({ ...ended, part, seq: message.seq })
      isKept ||= part !== undefined
    })
    const { endedAt, code } = ended
    if (!isKept && host.spans.shouldRecord(undefined, startedAt, endedAt, code))
      host.spans.record(ended)
  }

  async function retryOrDeadLetter(message: JsMsg, error: Error) {
    const delay = consumption.backoffMs[message.info.deliveryCount - 1]
    host.log.error({ err: error, subject: message.subject, seq: message.seq, delay }, 'not handled')
    if (delay === undefined) return deadLetter(message, error.message)
    message.nak(delay)
  }

  function nakAll(items: readonly Item<JsMsg>[]) {
    for (const { message } of items) message.nak()
  }

  /** Keeps a message, with the reason, where it can be listed and replayed; then lets go of it. */
  async function deadLetter(message: JsMsg, reason: string) {
    const headers = deadLetterHeaders(message, durable, reason)
    try {
      await publishStored(host.backbone.requester, `dead.${durable}`, message.data, { headers })
      message.term(reason.slice(0, 200))
      dispatcher.stats.failed(reason)
      dispatcher.stats.requests++
      host.log.error({ subject: message.subject, seq: message.seq, reason }, 'dead letter')
    } catch (error) {
      host.log.error({ err: error, seq: message.seq }, 'dead letter not stored; will come again')
      message.nak(maxRetryMs)
    }
  }
}
