import type { JetStreamClient } from '@nats-io/jetstream'
import type { KvChange } from '../api/bucket.ts'
import { FunctionError } from '../api/errors.ts'
import { parseSubject } from '../api/subject.ts'
import type { KvTrigger, ScheduleTrigger, StreamTrigger } from '../api/trigger.ts'
import { describeIssues, validateSync } from '../api/validate.ts'
import type { Delivered } from '../jetstream/dead-letters.ts'
import { schedules } from '../jetstream/resources.ts'
import { storeSchedule, tickSubject } from '../jetstream/schedules.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Backlog } from './endpoint.ts'
import type { FunctionHost } from './function-host.ts'
import { type Consumer, type ConsumerOptions, startConsumer } from './stream-consumer.ts'

interface ConsumerContext {
  host: FunctionHost
  dispatcher: Dispatcher
  js: JetStreamClient
}

export function consumeStream(context: ConsumerContext, trigger: StreamTrigger): Promise<Consumer> {
  const parts = context.host.backbone.partitions.streamsOf(trigger.stream)
  return consumeEach(parts, ({ stream }) => consumeOneStream(context, trigger, stream))
}

function consumeOneStream(context: ConsumerContext, trigger: StreamTrigger, stream: string) {
  const { host } = context
  return startConsumer({
    ...context,
    stream,
    filter: parseSubject(trigger.topic.subject).pattern,
    deliver: 'all',
    batch: trigger.batch,
    backoffMs: trigger.backoffMs,
    timeoutMs: trigger.timeoutMs,
    maxWaitMs: trigger.maxWaitMs,
    onlyLatest: false,
    decode: (message) => ({
      data: host.read(trigger.topic, message.subject, () => message.json()),
      seq: message.seq,
      at: new Date(message.info.timestampNanos / 1e6),
    }),
    group: (items) => items,
  })
}

export function consumeBucket(context: ConsumerContext, trigger: KvTrigger): Promise<Consumer> {
  const parts = context.host.backbone.partitions.bucketsOf(trigger.bucket)
  return consumeEach(parts, ({ bucket }) => consumeOneBucket(context, trigger, bucket))
}

function consumeOneBucket(context: ConsumerContext, trigger: KvTrigger, name: string) {
  const { bucket, keys, timeoutMs, maxWaitMs } = trigger
  const prefix = `$KV.${name}.`
  return startConsumer({
    ...context,
    stream: `KV_${name}`,
    filter: prefix + keys,
    deliver: 'new',
    timeoutMs,
    maxWaitMs,
    ...singleMessageBatches,
    decode(message): KvChange<unknown> {
      const key = message.subject.slice(prefix.length)
      const revision = message.seq
      const operation = readOperation(message)
      if (operation !== 'put') return { operation, key, revision }
      const { value, issues } = {
        value: undefined,
        ...validateSync(bucket.value, readJson(message)),
      }
      if (issues) throw new FunctionError('invalid', `${key}: ${describeIssues(issues)}`)
      return { operation, key, value, revision }
    },
  })
}

/**
 * Consumes the ticks that nats-server publishes by the schedule. If several ticks are published
 * while no instance runs, the next instance receives only the last one.
 */
export async function consumeSchedule(
  context: ConsumerContext,
  { every, timeoutMs, maxWaitMs }: ScheduleTrigger,
): Promise<Consumer> {
  const { host } = context
  const { service } = host.loaded
  await storeSchedule(host.backbone.requester, service, every)
  return startConsumer({
    ...context,
    stream: schedules.stream,
    filter: tickSubject(service),
    deliver: 'all',
    timeoutMs,
    maxWaitMs,
    ...singleMessageBatches,
    decode: (message) => ({ at: new Date(message.info.timestampNanos / 1e6) }),
  })
}

/** Starts a consumer on each partition, and returns an object that combines them into one consumer. */
async function consumeEach<Part>(
  parts: readonly Part[],
  start: (part: Part) => Promise<Consumer>,
): Promise<Consumer> {
  const started = await Promise.allSettled(parts.map(start))
  const consumers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failed = started.find((each) => each.status === 'rejected')
  const stop = async () => void (await Promise.all(consumers.map((consumer) => consumer.stop())))
  if (failed) {
    await stop()
    throw failed.reason
  }
  const [first] = consumers
  if (!first || consumers.length === 1) return first as Consumer
  return {
    get isIdle() {
      return consumers.every(({ isIdle }) => isIdle)
    },
    stop,
    async pending() {
      const all = await Promise.all(consumers.map((consumer) => consumer.pending()))
      const sum = (key: keyof Backlog) => all.reduce((total, each) => total + each[key], 0)
      return {
        pending: sum('pending'),
        unacknowledged: sum('unacknowledged'),
        redelivered: sum('redelivered'),
      }
    },
    // Any of the consumers can replay a dead letter of the function, even one from another
    // partition.
    replay: (seq) => first.replay(seq),
  }
}

const singleMessageBatches = {
  batch: 1,
  onlyLatest: true,
  backoffMs: [1_000, 5_000, 30_000],
  group: ([only]: readonly unknown[]) => only,
} satisfies Partial<ConsumerOptions>

function readOperation(message: Delivered): KvChange<unknown>['operation'] {
  const hdrs = message.headers
  if (hdrs?.get('Nats-Marker-Reason') === 'MaxAge') return 'expire'
  return hdrs?.get('KV-Operation') || hdrs?.get('Nats-Marker-Reason') ? 'delete' : 'put'
}

function readJson(message: Delivered): unknown {
  try {
    return message.json()
  } catch (error) {
    throw new FunctionError('invalid', `${message.subject} is not JSON`, { cause: error })
  }
}
