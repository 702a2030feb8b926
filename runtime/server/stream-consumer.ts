import { setTimeout as sleep } from 'node:timers/promises'
import type { ConsumerMessages, JetStreamClient, JsMsg } from '@nats-io/jetstream'
import { discardDeadLetter, findDeadLetter } from '../jetstream/dead-letters.ts'
import { ackWaitMs, ensureConsumer, untilLost } from '../jetstream/durable-consumer.ts'
import { type BatchOptions, BatchProcessor } from './batch.ts'
import type { Backlog } from './endpoint.ts'

const [minRetryMs, maxRetryMs] = [250, 5_000]
/**
 * When a server of a cluster dies, the pull requests that it held are lost without an error.
 * nats.js repeats them after two missed heartbeats. With its defaults, that would take 30 seconds.
 */
const pullOptions = { expires: 5_000, idle_heartbeat: 1_000 }

export interface ConsumerOptions extends BatchOptions {
  readonly js: JetStreamClient
  readonly stream: string
  readonly deliver: 'all' | 'new'
}

export interface Consumer {
  /** True if all received messages are finished. */
  readonly isIdle: boolean
  /** Waits for running calls of the handler. The server redelivers all other received messages. */
  stop(): Promise<void>
  pending(): Promise<Backlog>
  /**
   * Calls the handler with the original message of a dead letter, and deletes the dead letter on success.
   * Returns false if this function has no dead letter `seq`. Throws the handler's error.
   */
  replay(seq: number): Promise<boolean>
}

export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { host, js, stream, filter, deliver, batch } = options
  const durable = host.loaded.service
  const jsm = await js.jetstreamManager()
  const declared = { stream, name: durable, filter, deliver, batch }
  const ensure = (update: boolean) => ensureConsumer(jsm, declared, { update, log: host.log })
  await ensure(true)
  const consumer = await js.consumers.get(stream, durable)

  const stopping = new AbortController()
  const processor = new BatchProcessor(options, stopping.signal)
  const buffer: JsMsg[] = []
  let inFlight: readonly JsMsg[] = []
  let wake: (() => void) | undefined
  let messages = await receive()
  const heartbeat = setInterval(() => {
    for (const message of [...inFlight, ...buffer, ...processor.waiting]) message.working()
  }, ackWaitMs / 3)
  const ended = processBuffer()
  void recreateWhenLost()

  return {
    get isIdle() {
      return inFlight.length + buffer.length + processor.waiting.length === 0
    },
    async stop() {
      messages.stop()
      stopping.abort()
      wake?.()
      await ended
      await processor.stop()
      clearInterval(heartbeat)
      for (const message of buffer.splice(0)) message.nak()
    },
    async pending() {
      const info = await jsm.consumers.info(stream, durable)
      return {
        pending: info.num_pending,
        unacknowledged: info.num_ack_pending,
        redelivered: info.num_redelivered,
      }
    },
    async replay(seq) {
      const { requester } = host.backbone
      const deadLetter = await findDeadLetter(requester, seq)
      if (deadLetter?.letter.service !== durable) return false
      await processor.replay(deadLetter.message)
      await discardDeadLetter(requester, seq)
      return true
    },
  }

  function receive(): Promise<ConsumerMessages> {
    return consumer.consume({
      ...pullOptions,
      max_messages: Math.max(batch * 2, 10),
      callback(message) {
        buffer.push(message)
        wake?.()
      },
    })
  }

  /**
   * Recreates a lost consumer, and calls `receive` again. Without this call, nats.js would request
   * messages from the recreated consumer only after 30 s.
   */
  async function recreateWhenLost() {
    for (;;) {
      const reason = await untilLost(messages)
      if (reason === undefined || stopping.signal.aborted) return
      host.log.warn({ stream, reason }, 'consumer lost, recreating')
      messages.stop()
      await recreate()
    }
  }

  async function recreate() {
    for (let delayMs = minRetryMs; !stopping.signal.aborted; ) {
      try {
        await host.backbone.ensureResources()
        await ensure(false)
        messages = await receive()
        if (stopping.signal.aborted) messages.stop()
        return
      } catch (err) {
        host.log.error({ err, stream }, 'consumer not recreated, trying again')
      }
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => {})
      delayMs = Math.min(2 * delayMs, maxRetryMs)
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
      await processor.process(inFlight).catch((err) => {
        host.log.error({ err, messages: inFlight.length }, 'batch not processed, redelivering')
        for (const message of inFlight) message.nak(1_000)
      })
      inFlight = []
    }
  }
}
