import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '#runtime'

/**
 * Returns a function that collects values by key for `waitMs` and then passes them all to `flush`.
 * The first call of a batch returns a promise that resolves after the flush. Later calls of the
 * batch return undefined. `merge` combines two values of one key; by default, it returns the later
 * one.
 */
export function batchByKey<Key, Value, Env = unknown>(
  waitMs: number,
  flush: (batch: Map<Key, Value>, context: Context<Env>) => Promise<void>,
  merge: (before: Value, after: Value) => Value = (_, after) => after,
): (key: Key, value: Value, context: Context<Env>) => Promise<void> | undefined {
  let collecting: Map<Key, Value> | undefined

  async function flushLater(batch: Map<Key, Value>, context: Context<Env>) {
    await sleep(waitMs)
    collecting = undefined
    await flush(batch, context)
  }

  return (key, value, context) => {
    if (!collecting) {
      collecting = new Map([[key, value]])
      return flushLater(collecting, context)
    }
    const before = collecting.get(key)
    collecting.set(key, before === undefined ? value : merge(before, value))
    return undefined
  }
}
