/** The current value of a key. */
export interface KvEntry<Value> {
  key: string
  value: Value
  /** The sequence in the bucket's stream; `update` takes it as the expected revision. */
  revision: number
}

/** A change in a bucket. `expire` is the end of a TTL; one instance of a function receives it. */
export type KvChange<Value> =
  | { operation: 'put'; key: string; value: Value; revision: number }
  | { operation: 'delete' | 'expire'; key: string; revision: number }

/**
 * A KV bucket. Each call is one round trip. Calls throw `invalid` for a key that NATS does not allow,
 * `unavailable` when the bucket does not answer, `timeout` after 5 seconds, and a TypeError for a
 * value that does not match the bucket's schema.
 */
export interface Bucket<Value> {
  /** Returns the entry, or undefined for a key that is absent, deleted or expired. */
  get(key: string): Promise<KvEntry<Value> | undefined>
  /** Writes the value unconditionally and returns the new revision. */
  put(key: string, value: Value): Promise<number>
  /** Writes the value if the key is absent. Returns false if it exists. */
  create(key: string, value: Value): Promise<boolean>
  /**
   * Publishes the value, to be written if the key is absent, and does not wait for the result: half
   * the cost of `create`. Does not check the value against the schema.
   */
  createInBackground(key: string, value: Value): void
  /** Writes the value if `revision` is still the current one. Returns false if it is not. */
  update(key: string, value: Value, revision: number): Promise<boolean>
  /** Deletes the key. Deleting an absent key has no effect. */
  delete(key: string): Promise<void>
  /** Returns the entries whose keys match a subject pattern such as `general.*`. */
  list(pattern: string): Promise<KvEntry<Value>[]>
}
