import { createStore } from 'solid-js/store'
import type { AppBridge } from '#schema/app-bridge'

const maxUsersPerCall = 100

/**
 * Returns a function that returns the name of a user, or the user's id until the name is loaded.
 * Names are loaded in batches. A name that could not be loaded is requested again at the next call.
 */
export function createNames(bridge: AppBridge): (user: string) => string {
  const [names, setNames] = createStore<Record<string, string>>({})
  const requested = new Set<string>()
  let unknown: string[] = []

  async function load() {
    const users = unknown
    unknown = []
    for (let at = 0; at < users.length; at += maxUsersPerCall) {
      const some = users.slice(at, at + maxUsersPerCall)
      try {
        setNames(await bridge.names(some))
      } catch {
        for (const user of some) requested.delete(user)
      }
    }
  }

  return (user) => {
    if (!requested.has(user)) {
      requested.add(user)
      if (unknown.push(user) === 1) queueMicrotask(load)
    }
    return names[user] ?? user
  }
}
