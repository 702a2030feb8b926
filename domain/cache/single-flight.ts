import { LRUCache } from 'lru-cache'

const ttlMs = 100
const maxAgeMs = 500

/**
 * Returns a function that shares one `read` among concurrent calls with the same key, and caches
 * the result for 100 ms. A call never returns a result whose read started more than 500 ms before
 * the call.
 */
export function singleFlight<
  Key extends NonNullable<unknown>,
  Value extends NonNullable<unknown>,
  Options,
>(
  read: (key: Key, options: Options) => Promise<Value>,
): (key: Key, options: Options) => Promise<Value> {
  const cache = new LRUCache<Key, { startedAt: number; value: Value }, { options: Options }>({
    max: 500,
    ttl: ttlMs,
    ignoreFetchAbort: true,
    async fetchMethod(key, _stale, { context }) {
      const startedAt = performance.now()
      return { startedAt, value: await read(key, context.options) }
    },
  })

  return async (key, options) => {
    const minStartedAt = performance.now() - maxAgeMs
    for (let forceRefresh = false; ; forceRefresh = true) {
      const cached = await cache.forceFetch(key, { context: { options }, forceRefresh })
      if (cached.startedAt >= minStartedAt) return cached.value
    }
  }
}
