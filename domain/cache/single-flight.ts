import { LRUCache } from 'lru-cache'

/** How long what was read is as good as new, in milliseconds. */
const freshMs = 100
/** Of a read that others began, one that takes longer than this may have seen too little. */
const maxAgeMs = 500

/**
 * Has many who want to know the same at once read it once, and remembers it for a moment. Nobody is
 * answered with what was looked up more than half a second before they asked, however slow it was.
 */
export function singleFlight<
  Key extends NonNullable<unknown>,
  Value extends NonNullable<unknown>,
  Ask,
>(read: (key: Key, ask: Ask) => Promise<Value>): (key: Key, ask: Ask) => Promise<Value> {
  const cache = new LRUCache<Key, { askedAt: number; value: Value }, { ask: Ask }>({
    max: 500,
    ttl: freshMs,
    ignoreFetchAbort: true,
    async fetchMethod(key, _stale, { context }) {
      const askedAt = performance.now()
      return { askedAt, value: await read(key, context.ask) }
    },
  })

  return async (key, ask) => {
    const earliest = performance.now() - maxAgeMs
    for (let forceRefresh = false; ; forceRefresh = true) {
      const { askedAt, value } = await cache.forceFetch(key, { context: { ask }, forceRefresh })
      if (askedAt >= earliest) return value
    }
  }
}
