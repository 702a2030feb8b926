/**
 * Reads a value for a cache and subtracts the duration of the read from its TTL, so that the value ages
 * from the start of the read: on a busy machine, answers arrive late. `options` are those of lru-cache's
 * `fetchMethod`.
 */
export async function fetchWithAgedTtl<Value>(
  options: { ttl?: number | undefined },
  read: () => Promise<Value>,
): Promise<Value> {
  const startedAt = performance.now()
  const value = await read()
  const ageMs = Math.ceil(performance.now() - startedAt)
  // lru-cache takes a TTL of 0 for unlimited.
  options.ttl = Math.max(1, (options.ttl ?? 0) - ageMs)
  return value
}

/** A cache's entry for a value that does not exist. */
export const absent = Symbol('absent')

/**
 * Like `fetchWithAgedTtl`, for a value that may not exist. Returns `absent` with a TTL of 1 ms, since the
 * value may be created at any moment. With `undefined` instead, lru-cache would fail the waiting calls
 * when the key is evicted during the read.
 */
export async function fetchOrAbsent<Value>(
  options: { ttl?: number | undefined },
  read: () => Promise<Value | undefined>,
): Promise<Value | typeof absent> {
  const value = await fetchWithAgedTtl(options, read)
  if (value !== undefined) return value
  options.ttl = 1
  return absent
}
