import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '#runtime'

/**
 * Collects for a moment what comes one by one, by key, and hands over all of it at once. Whoever
 * comes first waits until that is done, so that a process that stops does it before; all others go on
 * at once. `merge` says what becomes of two things with one key: the later one, unless said.
 */
export function batchByKey<Key, Value>(
  waitMs: number,
  flush: (collected: Map<Key, Value>, context: Context) => Promise<void>,
  merge: (before: Value, after: Value) => Value = (_, after) => after,
): (key: Key, value: Value, context: Context) => Promise<void> | undefined {
  let collecting: Map<Key, Value> | undefined

  async function collect(first: Map<Key, Value>, context: Context) {
    await sleep(waitMs)
    collecting = undefined
    await flush(first, context)
  }

  return (key, value, context) => {
    if (!collecting) {
      collecting = new Map([[key, value]])
      return collect(collecting, context)
    }
    const before = collecting.get(key)
    collecting.set(key, before === undefined ? value : merge(before, value))
    return undefined
  }
}
