import { clear, createStore, delMany, get, keys, set, type UseStore, update } from 'idb-keyval'

/** What this browser keeps for one person between visits. Nothing depends on it: it may be refused, or lost. */
export interface LocalStore {
  read<T>(key: string): Promise<T | undefined>
  /** Writes soon, and of several values for one key the last. */
  write(key: string, value: unknown): void
  /** The same for what is short and must survive a page that closes this moment. */
  readNow<T>(key: string): T | undefined
  /** What is written under all keys that begin like this. */
  listNow<T>(start: string): T[]
  /** Nothing, or an empty text, is forgotten. */
  writeNow(key: string, value: unknown): void
  /** Tells of another tab that wrote there; answers with what stops it. */
  watchNow(key: string, tell: () => void): () => void
  /** True for the first of all tabs that claims this, and for no other. */
  claim(what: string): Promise<boolean>
  /** Forgets what is written under keys that are not wanted any more. */
  prune(isWanted: (key: string) => boolean): Promise<void>
  /** Forgets everything, in all tabs. */
  clear(): Promise<void>
  /** Tells that another tab has forgotten it, and why. */
  onCleared(tell: (why: ClearReason) => void): void
}

/** They logged out: nothing is left. Or somebody else came: what they wrote themselves waits for them. */
export type ClearReason = 'logout' | 'ended'

const writeDelayMs = 300
/** So many claims are remembered: older ones are not made again. */
const maxClaims = 200

/** Where the newest messages of a room are kept. */
export function pageKey(room: string): string {
  return `room ${room}`
}

/** What the databases of all people are called. */
const databasePrefix = 'natter-'

export function openLocalStore(user: string): LocalStore {
  const prefix = `natter ${user} `
  const waiting = new Map<string, unknown>()
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Whatever the page still does after everything was forgotten leaves nothing behind. */
  let isForgotten = false
  const tabs = openTabs(user)
  let store: UseStore | undefined
  try {
    store = createStore(databasePrefix + user, 'kept')
  } catch {
    // Private windows of some browsers have no database.
  }

  function flush() {
    clearTimeout(timer)
    timer = undefined
    for (const [key, value] of waiting) if (store) set(key, value, store).catch(() => undefined)
    waiting.clear()
  }
  window.addEventListener('pagehide', flush)

  async function forget(why: ClearReason) {
    isForgotten = true
    waiting.clear()
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

  return {
    async read<T>(key: string) {
      if (waiting.has(key)) return waiting.get(key) as T
      return store && (await get<T>(key, store).catch(() => undefined))
    },
    write(key, value) {
      if (isForgotten) return
      waiting.set(key, value)
      timer ??= setTimeout(flush, writeDelayMs)
    },
    readNow,
    listNow<T>(start: string) {
      const known = Object.keys(localStorage).filter((key) => key.startsWith(prefix + start))
      return known
        .map((key) => readNow<T>(key.slice(prefix.length)))
        .filter((value) => value !== undefined)
    },
    writeNow(key, value) {
      if (isForgotten) return
      try {
        if (value === undefined || value === '') localStorage.removeItem(prefix + key)
        else localStorage.setItem(prefix + key, JSON.stringify(value))
      } catch {
        // Then it lasts as long as the page.
      }
    },
    watchNow(key, tell) {
      // A browser that forgets everything at once names no key.
      const hear = (event: StorageEvent) => {
        if (event.key === prefix + key || event.key === null) tell()
      }
      window.addEventListener('storage', hear)
      return () => window.removeEventListener('storage', hear)
    },
    async claim(what) {
      if (!store) return true
      let isFirst = true
      // One transaction: those of other tabs wait for it.
      const take = (claimed: string[] = []) => {
        isFirst = !claimed.includes(what)
        return isFirst ? [...claimed.slice(-maxClaims), what] : claimed
      }
      await update<string[]>('claimed', take, store).catch(() => undefined)
      return isFirst
    },
    async prune(isWanted) {
      for (const key of waiting.keys()) if (!isWanted(key)) waiting.delete(key)
      if (!store) return
      const known = await keys<string>(store).catch(() => [])
      const unwanted = known.filter((key) => !isWanted(key))
      if (unwanted.length > 0) await delMany(unwanted, store).catch(() => undefined)
    },
    async clear() {
      await forget('logout')
      // What others have written meanwhile they forget themselves.
      tabs.postMessage('logout' satisfies ClearReason)
    },
    onCleared(tell) {
      tabs.addEventListener('message', ({ data: why }: MessageEvent<ClearReason>) => {
        void forget(why)
        tell(why)
      })
    },
  }
}

/**
 * Forgets the rooms and messages that other people have left in this browser. What they wrote and has
 * not been sent is nowhere else: it waits for them.
 */
export async function clearOtherUsers(user: string): Promise<void> {
  const known = (await window.indexedDB?.databases?.().catch(() => [])) ?? []
  for (const { name } of known) {
    if (!name?.startsWith(databasePrefix) || name === databasePrefix + user) continue
    // To delete all of it would wait for their tabs, and they for that when they come again.
    await clear(createStore(name, 'kept')).catch(() => undefined)
    const tabs = openTabs(name.slice(databasePrefix.length))
    tabs.postMessage('ended' satisfies ClearReason)
    tabs.close()
  }
}

/** All tabs that somebody has in this browser. */
function openTabs(user: string): BroadcastChannel {
  return new BroadcastChannel(`natter ${user}`)
}
