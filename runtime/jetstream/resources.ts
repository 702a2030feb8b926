import {
  type JetStreamClient,
  type JetStreamManager,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { Logger } from 'pino'
import type { BucketDeclaration, StreamDeclaration } from '../api/contract.ts'

/** The stream of messages that functions could not handle. Subjects: `dead.{service}`. */
export const deadLetters = {
  stream: 'DEAD_LETTERS',
  subjects: ['dead.*'],
  config: { storage: 'file', discard: 'new', allow_direct: true },
} as const satisfies StreamDeclaration

/** The stream of schedules and ticks. It stores only the last tick of each schedule. */
export const schedules = {
  stream: 'SCHEDULES',
  subjects: ['schedule.*', 'tick.*'],
  config: {
    storage: 'file',
    max_msgs_per_subject: 1,
    allow_msg_schedules: true,
    allow_msg_ttl: true,
    allow_direct: true,
  },
} as const satisfies StreamDeclaration

/** Thrown if an existing stream, bucket or consumer differs from its declaration. */
export class DriftError extends Error {
  override name = 'DriftError'
}

export interface Resources {
  readonly streams: Iterable<StreamDeclaration>
  readonly buckets: Iterable<BucketDeclaration>
}

/** Creates missing streams and buckets. Throws a DriftError if an existing one differs. */
export async function ensureResources(
  js: JetStreamClient,
  { streams, buckets }: Resources,
  log: Logger,
): Promise<void> {
  const jsm = await js.jetstreamManager()
  for (const stream of streams) await ensureStream(jsm, stream, log)
  for (const bucket of buckets) await ensureBucket(js, jsm, bucket, log)
}

async function ensureStream(jsm: JetStreamManager, declared: StreamDeclaration, log: Logger) {
  const config = { name: declared.stream, subjects: [...declared.subjects], ...declared.config }
  const info = await jsm.streams.info(declared.stream).catch(ignoreNotFound)
  if (info) return requireNoDrift(`stream ${declared.stream}`, config, { ...info.config })
  await jsm.streams.add(config as Partial<StreamConfig> & { name: string })
  log.info({ stream: declared.stream }, 'stream created')
}

async function ensureBucket(
  js: JetStreamClient,
  jsm: JetStreamManager,
  declared: BucketDeclaration,
  log: Logger,
) {
  const { bucket, ttlMs = 0, markerTtlMs = 0, storage = 'file', history = 1 } = declared
  const info = await jsm.streams.info(`KV_${bucket}`).catch(ignoreNotFound)
  if (info)
    return requireNoDrift(
      `bucket ${bucket}`,
      { max_age: ttlMs * 1e6, storage, max_msgs_per_subject: history, allow_direct: true },
      { ...info.config },
    )
  await new Kvm(js).create(bucket, {
    history,
    allow_direct: true,
    storage: storage === 'memory' ? StorageType.Memory : StorageType.File,
    ...(ttlMs > 0 ? { ttl: ttlMs } : {}),
    ...(markerTtlMs > 0 ? { markerTTL: markerTtlMs } : {}),
  })
  log.info({ bucket }, 'bucket created')
}

/** Throws a DriftError if declared fields differ. Ignores fields that are not declared. */
export function requireNoDrift(
  resource: string,
  declared: Record<string, unknown>,
  actual: Record<string, unknown>,
): void {
  const differences = Object.entries(declared).flatMap(([key, value]) => {
    const [expected, current] = [JSON.stringify(value), JSON.stringify(actual[key])]
    return expected === current || isUnset(value, actual[key])
      ? []
      : [`${key} is ${current}, not ${expected}`]
  })
  if (differences.length === 0) return
  throw new DriftError(
    `${resource} is not as declared: ${differences.join('; ')}. ` +
      'Change it with the nats command, or change the declaration.',
  )
}

/** Returns whether both values are unset. The server omits fields that are 0, false or empty. */
function isUnset(a: unknown, b: unknown) {
  return !a && !b
}

/** Returns undefined if a stream or consumer was not found. Throws any other error. */
export function ignoreNotFound(error: unknown): undefined {
  const { code, status } = error as { code?: number; status?: number }
  if (code === 10059 || code === 10014 || status === 404) return undefined
  throw error
}
