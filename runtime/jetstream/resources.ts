import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { Logger } from 'pino'
import type { BucketDeclaration, StreamDeclaration } from '../api/contract.ts'
import { sequencesPerPartition } from '../api/partition.ts'
import type { PartitionNumber, Partitions } from './partitions.ts'
import { DriftError, findDifferences, updateIfChanged } from './update.ts'

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

export interface Resources {
  readonly streams: Iterable<StreamDeclaration>
  readonly buckets: Iterable<BucketDeclaration>
}

export interface EnsureOptions {
  /**
   * True when the process starts; false when it recreates lost resources later. Only a starting
   * process updates resources that differ from their declaration. Otherwise, a process of an older
   * version that still runs could undo the update of a newer version.
   */
  readonly update: boolean
  readonly log: Logger
}

export interface ResourceOptions extends EnsureOptions {
  /**
   * Minimum number of replicas of each stream and bucket, unless its declaration has
   * `num_replicas`.
   */
  readonly replicas: number
  readonly partitions: Partitions
}

type Config = Record<string, unknown>

/**
 * The key under which the metadata of a stream contains the number of partitions. Absent if there
 * is only one partition.
 */
const partitionsKey = 'natter.partitions'

/** The server's error code if a stream with this name exists, and has another configuration. */
const nameInUse = 10_058

/** The server's error code if a stream needs several replicas, but the server is in no cluster. */
const noCluster = 10_074

/**
 * The duplicate window, in nanoseconds, that the server sets if a stream declares none. It is
 * shorter if `max_age` is shorter, because a window must not exceed `max_age`.
 */
const defaultDuplicateWindow = 120e9

export async function ensureResources(
  js: JetStreamClient,
  { streams, buckets }: Resources,
  options: ResourceOptions,
): Promise<void> {
  const jsm = await js.jetstreamManager()
  const { replicas: num_replicas, partitions } = options
  const declaredStreams = [...streams].flatMap((stream) => partitions.streamsOf(stream))
  const declaredBuckets = [...buckets].flatMap((bucket) => partitions.bucketsOf(bucket))
  const streamPartitions = new Map(declaredStreams.map((each) => [each.stream, each.partition]))
  const bucketPartitions = new Map(declaredBuckets.map((each) => [each.bucket, each.partition]))
  for (const [name, config] of mergeByName(declaredStreams, ({ stream }) => stream, streamConfig)) {
    const partition = streamPartitions.get(name)
    const initial = { num_replicas, ...initialConfig(partition), ...config }
    const create = () => jsm.streams.add(initial as Partial<StreamConfig> & { name: string })
    const resource = `stream ${name}`
    await ensureNamed(jsm, { resource, name, config, partition, create }, options)
  }
  for (const [bucket, config] of mergeByName(
    declaredBuckets,
    ({ bucket }) => bucket,
    bucketConfig,
  )) {
    const partition = bucketPartitions.get(bucket)
    const { metadata } = initialConfig(partition)
    const create = () => createBucket(js, bucket, { num_replicas, metadata, ...config })
    const [resource, name] = [`bucket ${bucket}`, `KV_${bucket}`]
    await ensureNamed(jsm, { resource, name, config, partition, create }, options)
  }
}

/** Returns the fields that are set when a stream is created, and never updated. */
function initialConfig({ index, count }: PartitionNumber = { index: 0, count: 1 }): Config {
  if (count === 1) return {}
  return {
    metadata: { [partitionsKey]: String(count) },
    ...(index === 0 ? {} : { first_seq: index * sequencesPerPartition + 1 }),
  }
}

/**
 * Throws if the stream was created with another number of partitions. A new number would move keys
 * to other partitions, so that the older and newer events of a room would be in different streams,
 * and no longer in order.
 */
function checkPartitions(
  { resource, partition }: DeclaredStream,
  { metadata = {} }: Pick<StreamConfig, 'metadata'>,
) {
  if (!partition) return
  const created = metadata[partitionsKey] ?? '1'
  if (created === String(partition.count)) return
  throw new Error(
    `NATS_PARTITIONS is ${partition.count}, but ${resource} was created with ${created}: the number cannot be ` +
      `changed later. Set NATS_PARTITIONS to ${created}`,
  )
}

async function ensureNamed(
  jsm: JetStreamManager,
  declared: DeclaredStream,
  options: ResourceOptions,
): Promise<void> {
  try {
    await ensureStream(jsm, declared, options)
  } catch (cause) {
    if (!(cause instanceof JetStreamApiError)) throw cause
    throw new Error(`${declared.resource} was not created or updated`, { cause })
  }
}

/**
 * Merges declarations with the same name. Throws a DriftError if two of them contradict each other:
 * each start would update the resource to one of them, and then to the other.
 */
function mergeByName<Declaration>(
  declarations: Iterable<Declaration>,
  nameOf: (declaration: Declaration) => string,
  configOf: (declaration: Declaration) => Config,
): Map<string, Config> {
  const merged = new Map<string, Config>()
  for (const declaration of declarations) {
    const [name, config] = [nameOf(declaration), configOf(declaration)]
    const other = merged.get(name) ?? {}
    const shared = Object.fromEntries(Object.entries(other).filter(([key]) => key in config))
    const conflicts = findDifferences(shared, config)
    if (conflicts.length > 0)
      throw new DriftError(`${name} is declared in two different ways: ${conflicts.join('; ')}`)
    merged.set(name, { ...other, ...config })
  }
  return merged
}

function streamConfig({ stream, subjects, config }: StreamDeclaration): Config {
  return { name: stream, subjects: [...subjects], ...config }
}

function bucketConfig(declared: BucketDeclaration): Config {
  const { ttlMs = 0, markerTtlMs = 0, entryTtl = false } = declared
  const { storage = 'file', history = 1, maxBytes } = declared
  return {
    max_age: ttlMs * 1e6,
    storage,
    max_msgs_per_subject: history,
    allow_direct: true,
    subject_delete_marker_ttl: markerTtlMs * 1e6,
    ...(markerTtlMs > 0 || entryTtl ? { allow_msg_ttl: true } : {}),
    ...(maxBytes === undefined ? {} : { max_bytes: maxBytes, discard: 'old' }),
  }
}

async function createBucket(js: JetStreamClient, bucket: string, config: Config) {
  const [ttl, markerTTL] = [Number(config.max_age), Number(config.subject_delete_marker_ttl)]
  await new Kvm(js).create(bucket, {
    history: Number(config.max_msgs_per_subject),
    allow_direct: true,
    storage: config.storage === 'memory' ? StorageType.Memory : StorageType.File,
    replicas: Number(config.num_replicas),
    ...(config.metadata ? { metadata: config.metadata as Record<string, string> } : {}),
    ...(ttl > 0 ? { ttl: ttl / 1e6 } : {}),
    ...(markerTTL > 0 ? { markerTTL: markerTTL / 1e6 } : {}),
  })
  // The client library cannot create a bucket that evicts its oldest values when it is full, or one
  // whose entries can have a TTL without leaving markers. So an update sets these fields.
  const { max_bytes, discard, allow_msg_ttl } = config
  const others = {
    ...(max_bytes === undefined ? {} : { max_bytes, discard }),
    ...(allow_msg_ttl && markerTTL === 0 ? { allow_msg_ttl } : {}),
  } as Partial<StreamConfig>
  if (Object.keys(others).length === 0) return
  const jsm = await js.jetstreamManager()
  await jsm.streams.update(`KV_${bucket}`, others)
}

interface DeclaredStream {
  readonly resource: string
  readonly name: string
  readonly config: Config
  readonly partition: PartitionNumber | undefined
  create(): Promise<unknown>
}

/**
 * Calls `create`. Returns false if another process has created the stream meanwhile. If that
 * process is still in `createBucket`, the stream lacks the fields that are set by an update after
 * the creation. So the caller must compare the stream with its declaration.
 */
async function isCreatedBy(create: () => Promise<unknown>): Promise<boolean> {
  try {
    await create()
    return true
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === nameInUse) return false
    throw explain(error)
  }
}

function explain(error: unknown): unknown {
  if (!(error instanceof JetStreamApiError) || error.code !== noCluster) return error
  const remedy = 'leave NATS_REPLICAS unset, or connect to a cluster'
  return new Error(`several replicas need a cluster of nats-servers: ${remedy}`, { cause: error })
}

async function ensureStream(
  jsm: JetStreamManager,
  stream: DeclaredStream,
  { update, log, replicas }: ResourceOptions,
) {
  const { resource, name, config, create } = stream
  const find = () => jsm.streams.info(name).catch(ignoreNotFound)
  const existing = await find()
  if (!existing && (await isCreatedBy(create))) {
    if (update) log.info({ resource }, 'created')
    else log.warn({ resource }, 'lost, created again empty')
    return
  }
  const info = existing ?? (await find())
  if (info) checkPartitions(stream, info.config)
  if (!update || !info) return
  // A process without NATS_REPLICAS must not remove the replicas of a stream.
  const declared =
    info.config.num_replicas < replicas ? { num_replicas: replicas, ...config } : config
  await updateIfChanged({
    resource,
    declared,
    actual: { ...info.config },
    async update() {
      const changed = { ...duplicateWindow(config, info.config), ...declared }
      const updated = jsm.streams.update(name, changed).catch((error) => {
        throw explain(error)
      })
      return { ...(await updated).config }
    },
    remedy: `"nats stream rm ${name}", which deletes all its messages`,
    log,
  })
}

/**
 * Adapts the duplicate window to a new `max_age`, which it must not exceed. Returns no field if
 * `max_age` stays the same, or if the declaration sets the window itself.
 */
function duplicateWindow(config: Config, { max_age, duplicate_window }: StreamConfig) {
  const maxAge = Number(config.max_age ?? max_age)
  if ('duplicate_window' in config || maxAge === max_age) return {}
  const longest = maxAge || Number.POSITIVE_INFINITY
  const wasShortened = duplicate_window === max_age && duplicate_window < defaultDuplicateWindow
  const window = wasShortened ? defaultDuplicateWindow : duplicate_window
  return { duplicate_window: Math.min(window, longest) }
}

export function ignoreNotFound(error: unknown): undefined {
  const { code, status } = error as { code?: number; status?: number }
  if (code === 10059 || code === 10014 || status === 404) return undefined
  throw error
}
