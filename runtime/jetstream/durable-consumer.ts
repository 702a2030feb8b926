import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamManager,
} from '@nats-io/jetstream'
import { type EnsureOptions, ignoreNotFound } from './resources.ts'
import { updateIfChanged } from './update.ts'

/**
 * The server waits this many milliseconds for the acknowledgement of a message, or for a report
 * that the message is still being handled. Otherwise, it redelivers the message.
 */
export const ackWaitMs = 10_000

export interface DurableConsumer {
  readonly stream: string
  readonly name: string
  readonly filter: string
  /**
   * Whether a newly created consumer receives all messages of the stream, or only messages that are
   * stored after its creation.
   */
  readonly deliver: 'all' | 'new'
  readonly batch: number
}

export async function ensureConsumer(
  jsm: JetStreamManager,
  { stream, name, filter, deliver, batch }: DurableConsumer,
  { update, log }: EnsureOptions,
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
  if (!info) return void (await jsm.consumers.add(stream, declared))
  if (!update) return
  await updateIfChanged({
    resource: `consumer ${name} of ${stream}`,
    declared: { ...declared },
    actual: { ...info.config },
    update: async () => ({ ...(await jsm.consumers.update(stream, name, declared)).config }),
    remedy: `"nats consumer rm ${stream} ${name}", which forgets the messages that are handled already`,
    log,
  })
}

const lostStatuses = ['consumer_deleted', 'consumer_not_found', 'stream_not_found']

/**
 * Waits until the server reports that the consumer or its stream does not exist, and resolves to
 * the type of this status. Resolves to undefined if `messages` stops before that.
 */
export async function untilLost(messages: ConsumerMessages): Promise<string | undefined> {
  for await (const { type } of messages.status()) if (lostStatuses.includes(type)) return type
  return undefined
}
