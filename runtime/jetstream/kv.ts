import type { JetStreamClient } from '@nats-io/jetstream'
import type { MsgHdrs } from '@nats-io/nats-core'
import type { Bucket, KvEntry, WriteOptions } from '../api/bucket.ts'
import type { BucketDeclaration } from '../api/contract.ts'
import { FunctionError } from '../api/errors.ts'
import { writeHeaders } from '../api/headers.ts'
import { tokenAt } from '../api/subject.ts'
import { describeIssues, validateSync } from '../api/validate.ts'
import type { Requester } from '../client/requester.ts'
import { readLast, readLastOfEach, TooManySubjectsError } from './api.ts'
import type { StoredMessage } from './leader-reads.ts'
import { type Partitions, partitionOfKey } from './partitions.ts'
import { expectHeader, publishStored } from './publish.ts'

const keyPattern = /^[-/_=A-Za-z0-9]+(\.[-/_=A-Za-z0-9]+)*$/
const listPattern = /^(\*|[-/_=A-Za-z0-9]+)(\.(\*|[-/_=A-Za-z0-9]+))*(\.>)?$|^>$/

export interface BucketConnections {
  readonly js: JetStreamClient
  readonly requester: Requester
  readonly partitions: Partitions
}

export function openBucket(
  connections: BucketConnections,
  declaration: BucketDeclaration,
): Bucket<unknown> {
  const parts = connections.partitions.bucketsOf(declaration)
  const partitions = parts.map((part) => openPartition(connections, part))
  const [first] = partitions
  if (first && partitions.length === 1) return first
  const bucketOf = (key: string) =>
    partitions[partitionOfKey(tokenAt(key, 0), partitions.length)] as Bucket<unknown>
  return {
    partitions,
    get: (key) => bucketOf(key).get(key),
    put: (key, value, options) => bucketOf(key).put(key, value, options),
    create: (key, value, options) => bucketOf(key).create(key, value, options),
    update: (key, value, revision, options) => bucketOf(key).update(key, value, revision, options),
    delete: (key) => bucketOf(key).delete(key),
    async list(pattern) {
      if (!/^[*>]/.test(pattern)) return bucketOf(pattern).list(pattern)
      return (await Promise.all(partitions.map((bucket) => bucket.list(pattern)))).flat()
    },
  }
}

/** Uses the requester instead of the KV client of nats.js, which costs more per call. */
function openPartition(
  { js, requester }: BucketConnections,
  declaration: BucketDeclaration,
): Bucket<unknown> {
  const stream = `KV_${declaration.bucket}`
  const prefix = `$KV.${declaration.bucket}.`
  const subjectOf = (key: string) => {
    if (keyPattern.test(key)) return prefix + key
    throw new FunctionError('invalid', `"${key}" cannot be a key of ${declaration.bucket}`)
  }
  const encode = (value: unknown) => {
    const { issues } = validateSync(declaration.value, value)
    if (issues) throw new TypeError(`${declaration.bucket}: ${describeIssues(issues)}`)
    return JSON.stringify(value)
  }
  const decode = ({ subject, seq, message }: StoredMessage): KvEntry<unknown> => {
    const { value, issues } = {
      value: undefined,
      ...validateSync(declaration.value, message.json()),
    }
    if (issues) throw new TypeError(`${subject}: ${describeIssues(issues)}`)
    return { key: subject.slice(prefix.length), value, revision: seq }
  }
  const write = (
    key: string,
    value: unknown,
    { expect, ttlMs }: WriteOptions & { expect?: number },
  ) =>
    publishStored(requester, subjectOf(key), encode(value), {
      headers: headersOf({
        ...(expect === undefined ? {} : { [expectHeader]: String(expect) }),
        ...(ttlMs === undefined ? {} : { 'Nats-TTL': toTtl(ttlMs) }),
      }),
    })

  const bucket: Bucket<unknown> = {
    get partitions() {
      return [bucket]
    },
    async get(key) {
      const stored = await readLast(requester, stream, subjectOf(key))
      return stored && isLive(stored) ? decode(stored) : undefined
    },
    async put(key, value, options = {}) {
      const ack = await write(key, value, options)
      return ack?.seq ?? 0
    },
    async create(key, value, options = {}) {
      if (await write(key, value, { ...options, expect: 0 })) return true
      // The last message of a deleted or expired key is a marker. The value may replace a marker,
      // but only while the marker is the last message: otherwise, another process has written the
      // key meanwhile.
      const last = await readLast(requester, stream, subjectOf(key))
      if (last && isLive(last)) return false
      return (await write(key, value, { ...options, expect: last?.seq ?? 0 })) !== undefined
    },
    async update(key, value, revision, options = {}) {
      return (await write(key, value, { ...options, expect: revision })) !== undefined
    },
    async delete(key) {
      const headers = writeHeaders({ 'KV-Operation': 'DEL' })
      await publishStored(requester, subjectOf(key), '', { headers })
    },
    async list(pattern) {
      if (!listPattern.test(pattern))
        throw new FunctionError('invalid', `"${pattern}" cannot be a pattern of keys`)
      const stored = await readMatching(requester, js, stream, prefix + pattern)
      return stored.filter(isLive).map(decode)
    },
  }
  return bucket
}

const maxBatchSubjects = 1_024

async function readMatching(
  requester: Requester,
  js: JetStreamClient,
  stream: string,
  subjects_filter: string,
): Promise<StoredMessage[]> {
  try {
    return await readLastOfEach(requester, stream, [subjects_filter])
  } catch (error) {
    if (!(error instanceof TooManySubjectsError)) throw error
  }
  const jsm = await js.jetstreamManager(false)
  const { state } = await jsm.streams.info(stream, { subjects_filter })
  const subjects = Object.keys(state.subjects ?? {})
  const messages: StoredMessage[] = []
  for (let start = 0; start < subjects.length; start += maxBatchSubjects) {
    const some = subjects.slice(start, start + maxBatchSubjects)
    messages.push(...(await readLastOfEach(requester, stream, some)))
  }
  return messages
}

function headersOf(values: Record<string, string>): MsgHdrs | undefined {
  return Object.keys(values).length > 0 ? writeHeaders(values) : undefined
}

function toTtl(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1_000))}s`
}

function isLive({ message }: StoredMessage): boolean {
  return !message.headers?.get('KV-Operation') && !message.headers?.get('Nats-Marker-Reason')
}
