import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamManager,
} from '@nats-io/jetstream'
import type { Logger } from 'pino'
import { ignoreNotFound, requireNoDrift } from './resources.ts'

/** Milliseconds without acknowledgement or heartbeat after which the server redelivers a message. */
export const ackWaitMs = 10_000

export interface DurableConsumer {
  readonly stream: string
  readonly name: string
  readonly filter: string
  /** A new consumer receives all messages of the stream, or only those that are stored from now on. */
  readonly deliver: 'all' | 'new'
  readonly batch: number
}

/** Throws a DriftError if an existing consumer differs. */
export async function ensureConsumer(
  jsm: JetStreamManager,
  { stream, name, filter, deliver, batch }: DurableConsumer,
): Promise<void> {
  const declared: Partial<ConsumerConfig> = {
    durable_name: name,
    filter_subject: filter,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * 1e6,
    max_deliver: -1,
    max_ack_pending: Math.max(batch * 20, 1_000),
    deliver_policy: deliver === 'all' ? DeliverPolicy.All : DeliverPolicy.New,
  }
  const info = await jsm.consumers.info(stream, name).catch(ignoreNotFound)
  if (info) return requireNoDrift(`consumer ${name} of ${stream}`, declared, { ...info.config })
  await jsm.consumers.add(stream, declared)
}

const lostStatuses = ['consumer_deleted', 'consumer_not_found', 'stream_not_found']

/** Recreates the consumer when the server reports that it or its stream does not exist. */
export async function recreateLostConsumer(
  messages: ConsumerMessages,
  recreate: () => Promise<void>,
  { log, stream, signal }: { log: Logger; stream: string; signal: AbortSignal },
): Promise<void> {
  for await (const { type } of messages.status()) {
    if (signal.aborted || !lostStatuses.includes(type)) continue
    log.error({ stream, reason: type }, 'consumer lost, recreating')
    await recreate().catch((err) => log.error({ err, stream }, 'consumer not recreated'))
  }
}
