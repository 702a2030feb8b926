/** A key and its current value. */
export interface KvEntry<Value> {
  key: string
  value: Value
  /** The entry's sequence in the bucket's stream. Pass it to `update` as the expected revision. */
  revision: number
}

/** A change in a bucket. `expire` means that the key's TTL has passed. */
export type KvChange<Value> =
  | { operation: 'put'; key: string; value: Value; revision: number }
  | { operation: 'delete' | 'expire'; key: string; revision: number }

export interface WriteOptions {
  /**
   * Milliseconds until this entry expires, rounded up to seconds. Default: the bucket's `ttlMs`.
   * May be set only if the bucket has `entryTtl` or `markerTtlMs`.
   */
  ttlMs?: number | undefined
}

/**
 * A KV bucket. Its methods throw `invalid` for a key that NATS does not allow, and `timeout` after 5
 * seconds. They throw `unavailable` if the bucket does not exist or rejects the operation, and a
 * TypeError for a value that does not match the bucket's schema.
 */
export interface Bucket<Value> {
  /**
   * The buckets of all partitions, or only this bucket if it is not partitioned. A key that is put
   * into several of these buckets has a separate value in each.
   */
  readonly partitions: readonly Bucket<Value>[]
  /** Returns the entry, or undefined if the key never existed, was deleted, or has expired. */
  get(key: string): Promise<KvEntry<Value> | undefined>
  /** Writes the value unconditionally and returns the new revision. */
  put(key: string, value: Value, options?: WriteOptions): Promise<number>
  /** Writes the value if the key is absent. Returns false if the key exists. */
  create(key: string, value: Value, options?: WriteOptions): Promise<boolean>
  /**
   * Writes the value if the key's current revision is `revision`. Returns false if the key has
   * another revision.
   */
  update(key: string, value: Value, revision: number, options?: WriteOptions): Promise<boolean>
  /** Deletes the key. Deleting an absent key has no effect. */
  delete(key: string): Promise<void>
  /** Returns the entries whose keys match a subject pattern such as `general.*`. */
  list(pattern: string): Promise<KvEntry<Value>[]>
}
