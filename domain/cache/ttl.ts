/**
 * Reads a value for lru-cache's `fetchMethod`. The value may already have changed during the read,
 * so its age counts from the start of the read: the duration of the read is subtracted from the TTL
 * in `options`.
 */
export async function fetchWithAgedTtl<Value>(
  options: { ttl?: number | undefined },
  read: () => Promise<Value>,
): Promise<Value> {
  const startedAt = performance.now()
  const value = await read()
  const ageMs = Math.ceil(performance.now() - startedAt)
  // lru-cache treats a TTL of 0 as unlimited.
  options.ttl = Math.max(1, (options.ttl ?? 0) - ageMs)
  return value
}

export const absent = Symbol('absent')

/**
 * Returns `absent` with a TTL of 1 ms for a missing value. If it returned undefined, lru-cache
 * would reject waiting calls whose key is evicted during the read.
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
