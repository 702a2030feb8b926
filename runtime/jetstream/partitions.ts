import type { BucketDeclaration, StreamDeclaration } from '../api/contract.ts'
import { partitionOf, type SequenceRange, sequencesOfPartition } from '../api/partition.ts'
import { overlaps, tokenAt } from '../api/subject.ts'

/**
 * The ids of notifications contain a sequence as a number in base 36, with at most 10 digits. The
 * sequences of this many partitions fit into these digits.
 */
export const maxPartitions = 32

export interface PartitionNumber {
  readonly index: number
  readonly count: number
}

export type StreamPartition = StreamDeclaration & { readonly partition?: PartitionNumber }
export type BucketPartition = BucketDeclaration & { readonly partition?: PartitionNumber }

/**
 * Divides each partitioned stream into `count` streams, and each partitioned bucket into `count` buckets.
 */
export class Partitions {
  readonly count: number
  readonly #partitioned: readonly StreamDeclaration[]
  readonly #streams = new WeakMap<StreamDeclaration, readonly StreamPartition[]>()
  readonly #buckets = new WeakMap<BucketDeclaration, readonly BucketPartition[]>()

  constructor(count: number, streams: Iterable<StreamDeclaration>) {
    this.count = count
    this.#partitioned = count === 1 ? [] : [...streams].filter(({ partitioned }) => partitioned)
  }

  /**
   * Returns one declaration for each partition, or only `declaration` itself if it is not
   * partitioned.
   */
  streamsOf(declaration: StreamDeclaration): readonly StreamPartition[] {
    return divide(this.#streams, declaration, this.count, streamPartition)
  }

  bucketsOf(declaration: BucketDeclaration): readonly BucketPartition[] {
    return divide(this.#buckets, declaration, this.count, bucketPartition)
  }

  /**
   * Returns the only partition that can have messages whose subjects match the pattern. Throws a
   * TypeError if several partitions can have such messages.
   */
  streamOf(declaration: StreamDeclaration, pattern: string): StreamPartition {
    const [first, ...others] = this.matching(declaration, pattern)
    if (first && others.length === 0) return first
    throw new TypeError(
      `${pattern} matches messages of several partitions of ${declaration.stream}`,
    )
  }

  matching(declaration: StreamDeclaration, pattern: string): readonly StreamPartition[] {
    const all = this.streamsOf(declaration)
    if (all.length === 1) return all
    const key = tokenAt(pattern, keyPosition(declaration.subjects))
    return key === '*' ? all : all.slice(...only(partitionOfKey(key, this.count)))
  }

  /** Returns the partition to which the sequence belongs, or undefined if there is none. */
  streamWith(declaration: StreamDeclaration, seq: number): StreamPartition | undefined {
    const all = this.streamsOf(declaration)
    return all.length === 1 ? all[0] : all[partitionOf(seq)]
  }

  /**
   * Returns the subject on which a message for `subject` must be published. If its stream has
   * partitions, the returned subject contains the partition's number, and `name` identifies the
   * partition.
   */
  route(subject: string): { subject: string; name?: string } {
    for (const { subjects } of this.#partitioned) {
      if (!subjects.some((captured) => overlaps(captured, subject))) continue
      const position = keyPosition(subjects)
      const index = partitionOfKey(tokenAt(subject, position), this.count)
      const tokens = subject.split('.')
      const prefix = [...tokens.slice(0, position), index].join('.')
      return { subject: `${prefix}.${tokens.slice(position).join('.')}`, name: prefix }
    }
    return { subject }
  }
}

export function sequencesOf({ partition }: StreamPartition): SequenceRange {
  const { index, count } = partition ?? { index: 0, count: 1 }
  return sequencesOfPartition(index, count)
}

/**
 * Returns the number of the partition of a key. Uses the same hash (FNV-1a with 32 bits) as the
 * function `partition` in subject mappings of nats-server. If programs that do not use this code
 * publish messages, an operator can add such a mapping. nats-server then routes each message to the
 * partition that this function returns for its key.
 */
export function partitionOfKey(key: string, count: number): number {
  if (count === 1) return 0
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % count
}

/**
 * Returns the reason why a stream with these subjects cannot be partitioned; undefined if it can.
 */
export function partitioningProblem(subjects: readonly string[]): string | undefined {
  const prefixes = new Set(subjects.map((subject) => subject.split('.*')[0]))
  const areDivisible = subjects.every((subject) =>
    /^[^.*>]+(\.[^.*>]+)*\.\*(\.[^>]+)?$/.test(subject),
  )
  if (areDivisible && prefixes.size === 1) return undefined
  return 'all subjects need the same tokens before the first *, and no >, such as chat.* and chat.*.thread.*'
}

/** The position of the token that chooses the partition: the first `*`. */
function keyPosition([subject = '']: readonly string[]): number {
  return subject.split('.').indexOf('*')
}

function only(index: number): [number, number] {
  return [index, index + 1]
}

function divide<Declaration extends { partitioned?: boolean }, Part extends Declaration>(
  cache: WeakMap<Declaration, readonly Part[]>,
  declaration: Declaration,
  count: number,
  part: (declaration: Declaration, partition: PartitionNumber) => Part,
): readonly Part[] {
  let parts = cache.get(declaration)
  if (parts) return parts
  const { partitioned, ...rest } = declaration
  parts = partitioned
    ? Array.from({ length: count }, (_, index) => part(rest as Declaration, { index, count }))
    : [declaration as Part]
  cache.set(declaration, parts)
  return parts
}

function streamPartition(
  declaration: StreamDeclaration,
  partition: PartitionNumber,
): StreamPartition {
  const { stream, subjects, config } = declaration
  const { index, count } = partition
  if (count === 1) return { ...declaration, partition }
  const prefix = subjects[0]?.split('.').slice(0, keyPosition(subjects)).join('.') ?? ''
  const own = `${prefix}.${index}`
  return {
    stream: nameOf(stream, index),
    subjects: subjects.map((subject) => own + subject.slice(prefix.length)),
    // The stream removes the number of the partition from the subject of each message that it
    // stores, so that readers find the declared subjects.
    config: { ...config, subject_transform: { src: `${own}.>`, dest: `${prefix}.>` } },
    partition,
  }
}

function bucketPartition(
  declaration: BucketDeclaration,
  partition: PartitionNumber,
): BucketPartition {
  return { ...declaration, bucket: nameOf(declaration.bucket, partition.index), partition }
}

/**
 * The first partition has the declared name, which a stream or bucket without partitions has too.
 */
function nameOf(declared: string, index: number): string {
  return index === 0 ? declared : `${declared}_${index}`
}
