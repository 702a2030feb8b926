import { untrack } from 'solid-js'
import { createStore } from 'solid-js/store'

/**
 * Creates a reactive map from ids to values. Prefixes the ids in its store, because Solid's stores
 * ignore keys such as `__proto__`.
 */
export function createIdMap<Id extends string, Value extends object | true>() {
  const [values, setValues] = createStore<Record<string, Value | undefined>>({})
  const keyOf = (id: Id) => `=${id}`
  const entries = () =>
    Object.entries(values).flatMap(([key, value]): [Id, Value][] =>
      value === undefined ? [] : [[key.slice(1) as Id, value]],
    )
  return {
    get: (id: Id): Value | undefined => values[keyOf(id)],
    peek: (id: Id): Value | undefined => untrack(() => values[keyOf(id)]),
    peekAll: (): [Id, Value][] => untrack(entries),
    set: (id: Id, value: Value) => setValues(keyOf(id), value),
    delete: (id: Id) => setValues(keyOf(id), undefined),
  }
}
