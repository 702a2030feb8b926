/**
 * Returns a function that shares one `read` among concurrent calls with the same key. In contrast to
 * `singleFlight`, a call never gets the result of a read that started before the call: calls during
 * a read share the next one.
 */
export function coalesce<Key, Value, Options>(
  read: (key: Key, options: Options) => Promise<Value>,
): (key: Key, options: Options) => Promise<Value> {
  const running = new Map<Key, Promise<Value>>()
  const next = new Map<Key, Promise<Value>>()

  function start(key: Key, options: Options): Promise<Value> {
    const current = read(key, options).finally(() => {
      if (running.get(key) === current) running.delete(key)
    })
    running.set(key, current)
    return current
  }

  return (key, options) => {
    const current = running.get(key)
    if (!current) return start(key, options)
    const shared = next.get(key)
    if (shared) return shared
    const following = current
      .catch(() => undefined)
      .then(() => {
        next.delete(key)
        return start(key, options)
      })
    next.set(key, following)
    return following
  }
}
