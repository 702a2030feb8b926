import type { JetStreamClient } from '@nats-io/jetstream'
import type { KvChange } from '../api/bucket.ts'
import { FunctionError } from '../api/errors.ts'
import { parseSubject } from '../api/subject.ts'
import type { KvTrigger, ScheduleTrigger, StreamTrigger } from '../api/trigger.ts'
import { describeIssues, validateSync } from '../api/validate.ts'
import { publishStored, readLast } from '../jetstream/api.ts'
import type { Delivered } from '../jetstream/dead-letters.ts'
import { schedules } from '../jetstream/resources.ts'
import { writeHeaders } from '../nats/headers.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { FunctionHost } from './function-host.ts'
import { type Consumer, type ConsumerOptions, startConsumer } from './stream-consumer.ts'

/** What every kind of consumption has in common. */
interface ConsumerContext {
  host: FunctionHost
  dispatcher: Dispatcher
  js: JetStreamClient
}

export function consumeStream(ground: ConsumerContext, trigger: StreamTrigger): Promise<Consumer> {
  const { host } = ground
  return startConsumer({
    ...ground,
    stream: trigger.stream.stream,
    filter: parseSubject(trigger.topic.subject).pattern,
    deliver: 'all',
    batch: trigger.batch,
    backoffMs: trigger.backoffMs,
    timeoutMs: trigger.timeoutMs,
    decode: (message) => ({
      data: host.read(trigger.topic, message.subject, () => message.json()),
      seq: message.seq,
      at: new Date(message.info.timestampNanos / 1e6),
    }),
    group: (items) => items,
  })
}

/** A bucket is a stream, so one durable consumer gives each change to one instance. */
export function consumeBucket(ground: ConsumerContext, trigger: KvTrigger): Promise<Consumer> {
  const { bucket, keys, timeoutMs } = trigger
  const prefix = `$KV.${bucket.bucket}.`
  return startConsumer({
    ...ground,
    stream: `KV_${bucket.bucket}`,
    filter: prefix + keys,
    deliver: 'new',
    timeoutMs,
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
 * Ticks come from the server's own scheduler and lie in a stream, so that each is taken by one
 * instance, and one that fell into a pause is taken after it.
 */
export async function consumeSchedule(
  ground: ConsumerContext,
  { every, timeoutMs }: ScheduleTrigger,
): Promise<Consumer> {
  const { host } = ground
  const { service } = host.loaded
  const tick = `tick.${service}`
  const { requester } = host.backbone
  const last = await readLast(requester, schedules.stream, `schedule.${service}`)
  // Written again, an interval would begin again, and with many restarts never end.
  if (last?.message.headers?.get('Nats-Schedule') !== every) {
    const headers = writeHeaders({ 'Nats-Schedule': every, 'Nats-Schedule-Target': tick })
    await publishStored(requester, `schedule.${service}`, '', { headers })
  }
  return startConsumer({
    ...ground,
    stream: schedules.stream,
    filter: tick,
    deliver: 'all',
    timeoutMs,
    ...singleMessageBatches,
    decode: (message) => ({ at: new Date(message.info.timestampNanos / 1e6) }),
  })
}

const singleMessageBatches = {
  batch: 1,
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
