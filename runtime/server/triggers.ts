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
import type { FunctionHost } from './function-host.ts'
import { type Consumer, type ConsumerOptions, startConsumer } from './stream-consumer.ts'

interface ConsumerContext {
  host: FunctionHost
  dispatcher: Dispatcher
  js: JetStreamClient
}

export function consumeStream(context: ConsumerContext, trigger: StreamTrigger): Promise<Consumer> {
  const { host } = context
  return startConsumer({
    ...context,
    stream: trigger.stream.stream,
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
  const { bucket, keys, timeoutMs, maxWaitMs } = trigger
  const prefix = `$KV.${bucket.bucket}.`
  return startConsumer({
    ...context,
    stream: `KV_${bucket.bucket}`,
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
 * Consumes the ticks that the server's scheduler publishes. If ticks fire while no instance runs, the
 * last of them is delivered later.
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
