/**
 * Reads what a cache is to remember, and lets it count as old as the question: on a busy machine the
 * answer may wait long before it is seen, and would be taken for new. `options` are those that
 * `fetchMethod` is called with.
 */
export async function fetchWithAgedTtl<Value>(
  options: { ttl?: number | undefined },
  read: () => Promise<Value>,
): Promise<Value> {
  const asked = performance.now()
  const value = await read()
  const ageMs = Math.ceil(performance.now() - asked)
  // None at all would be for ever.
  options.ttl = Math.max(1, (options.ttl ?? 0) - ageMs)
  return value
}

/** What a cache holds of what is not there. */
export const absent = Symbol('absent')

/**
 * The same for what may not be there: nobody remembers that, since the next moment it may be. A cache that
 * is told to forget what is being read fails those who wait for it, unless they get a value all the same.
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
