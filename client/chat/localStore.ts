import { clear, createStore, delMany, get, keys, set, type UseStore, update } from 'idb-keyval'

/**
 * `read` and `write` use IndexedDB, the `…Now` methods `localStorage`. Errors of the browser's
 * storage are ignored, so a value may be missing later.
 */
export interface LocalStore {
  read<T>(key: string): Promise<T | undefined>
  /** Writes after a short delay. Of several values for a key, only the last is written. */
  write(key: string, value: unknown): void
  /**
   * This and the other `…Now` methods are for small values that must be stored even if the page
   * closes at once.
   */
  readNow<T>(key: string): T | undefined
  listNow<T>(keyPrefix: string): T[]
  keysNow(keyPrefix: string): string[]
  /** Deletes the key when the value is undefined or an empty string. */
  writeNow(key: string, value: unknown): void
  /** Calls `onChange` when another tab has written the key, or a key that begins with it. */
  watchNow(key: string, onChange: () => void): () => void
  /** Returns true only to the first caller with this id in all tabs, so that only one tab acts. */
  claim(id: string): Promise<boolean>
  prune(isCurrent: (key: string) => boolean): Promise<void>
  /** Deletes all values of the user. After that, writes have no effect in any tab. */
  clear(): Promise<void>
  onCleared(onClear: (why: ClearReason) => void): void
}

/**
 * `logout`: all values of the user are deleted. `ended`: another user has logged in. Values in
 * `localStorage`, such as unsent texts, are then kept.
 */
export type ClearReason = 'logout' | 'ended'

const writeDelayMs = 300
const maxClaims = 200

export function pageKey(room: string): string {
  return `room ${room}`
}

const databasePrefix = 'natter-'
const storeName = 'kept'

export function openLocalStore(user: string): LocalStore {
  const prefix = `natter ${user} `
  const pending = new Map<string, unknown>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isCleared = false
  const tabs = openTabs(user)
  let store: UseStore | undefined
  try {
    store = createStore(databasePrefix + user, storeName)
  } catch {
    // Some browsers have no IndexedDB in private windows. The page then works without values from
    // IndexedDB.
  }

  function flush() {
    clearTimeout(timer)
    timer = undefined
    for (const [key, value] of pending) if (store) set(key, value, store).catch(() => undefined)
    pending.clear()
  }
  window.addEventListener('pagehide', flush)

  async function clearAll(why: ClearReason) {
    isCleared = true
    pending.clear()
    if (why === 'logout')
      for (const key of Object.keys(localStorage))
        if (key.startsWith(prefix)) localStorage.removeItem(key)
    if (store) await clear(store).catch(() => undefined)
  }

  function readNow<T>(key: string) {
    try {
      return (
        JSON.parse(localStorage.getItem(prefix + key) ?? 'null') ?? (undefined as T | undefined)
      )
    } catch {
      return undefined
    }
  }

  function keysNow(keyPrefix: string): string[] {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix + keyPrefix))
      .map((key) => key.slice(prefix.length))
  }

  return {
    async read<T>(key: string) {
      if (pending.has(key)) return pending.get(key) as T
      return store && (await get<T>(key, store).catch(() => undefined))
    },
    write(key, value) {
      if (isCleared) return
      pending.set(key, value)
      timer ??= setTimeout(flush, writeDelayMs)
    },
    readNow,
    listNow<T>(keyPrefix: string) {
      return keysNow(keyPrefix)
        .map(readNow<T>)
        .filter((value) => value !== undefined)
    },
    keysNow,
    writeNow(key, value) {
      if (isCleared) return
      try {
        if (value === undefined || value === '') localStorage.removeItem(prefix + key)
        else localStorage.setItem(prefix + key, JSON.stringify(value))
      } catch {
        // Storage is full or disabled: the value is lost when the page closes.
      }
    },
    watchNow(key, onChange) {
      const onStorage = (event: StorageEvent) => {
        // `key` is null when the whole localStorage was cleared.
        if (event.key?.startsWith(prefix + key) ?? true) onChange()
      }
      window.addEventListener('storage', onStorage)
      return () => window.removeEventListener('storage', onStorage)
    },
    async claim(id) {
      if (!store) return true
      let isFirst = true
      // `update` runs in one IndexedDB transaction, so only one tab can be the first to add the id.
      const add = (claimed: string[] = []) => {
        isFirst = !claimed.includes(id)
        return isFirst ? [...claimed.slice(-maxClaims), id] : claimed
      }
      await update<string[]>('claimed', add, store).catch(() => undefined)
      return isFirst
    },
    async prune(isCurrent) {
      for (const key of pending.keys()) if (!isCurrent(key)) pending.delete(key)
      if (!store) return
      const stored = await keys<string>(store).catch(() => [])
      const outdated = stored.filter((key) => !isCurrent(key))
      if (outdated.length > 0) await delMany(outdated, store).catch(() => undefined)
    },
    async clear() {
      await clearAll('logout')
      tabs.postMessage('logout' satisfies ClearReason)
    },
    onCleared(onClear) {
      tabs.addEventListener('message', ({ data: why }: MessageEvent<ClearReason>) => {
        void clearAll(why)
        onClear(why)
      })
    },
  }
}

export async function clearOtherUsers(user: string): Promise<void> {
  const databases = (await window.indexedDB?.databases?.().catch(() => [])) ?? []
  for (const { name } of databases) {
    if (!name?.startsWith(databasePrefix) || name === databasePrefix + user) continue
    // Clears the database instead of deleting it: a deletion would wait until all open tabs of that user
    // have closed the database.
    await clear(createStore(name, storeName)).catch(() => undefined)
    const tabs = openTabs(name.slice(databasePrefix.length))
    tabs.postMessage('ended' satisfies ClearReason)
    tabs.close()
  }
}

function openTabs(user: string): BroadcastChannel {
  return new BroadcastChannel(`natter ${user}`)
}
