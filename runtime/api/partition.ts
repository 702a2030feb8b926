/**
 * Number of stream sequences that are reserved for each partition. The stream of partition n begins
 * after n times this number, so that a sequence identifies its partition. At 10,000 messages a
 * second, the sequences of a partition last for 55 years.
 */
export const sequencesPerPartition = 2 ** 44

/** Returns the number (0, 1, …) of the partition to which the sequence `seq` belongs. */
export function partitionOf(seq: number): number {
  return Math.max(0, Math.ceil(seq / sequencesPerPartition) - 1)
}

/** The sequences that the stream of a partition can have. */
export interface SequenceRange {
  from: number
  to: number
}

/**
 * Returns the range of sequences of partition `index`, when there are `count` partitions. The range
 * of the last partition has no upper end.
 */
export function sequencesOfPartition(index: number, count: number): SequenceRange {
  const isLast = index === count - 1
  return {
    from: index * sequencesPerPartition + 1,
    // `count` may have been larger in the past. The last range includes the sequences of the
    // removed partitions, so that a query by this range finds their messages.
    to: isLast ? Number.MAX_SAFE_INTEGER : (index + 1) * sequencesPerPartition,
  }
}
