import { createMemo, createSignal, onCleanup } from 'solid-js'
import type { PreferenceChanges, StoredPreferences } from '#schema/messages/prefs'
import type { LocalStore } from './localStore.ts'

export type Preferences = ReturnType<typeof createPreferences>

export const key = 'prefs'
const unsentKey = `${key} unsent`

/**
 * Holds the preferences of the user's account. Changes apply at once in this browser.
 * syncPreferences.ts sends them to the server, and receives changes from other devices.
 */
export function createPreferences(store: LocalStore) {
  const read = () => ({
    stored: store.readNow<StoredPreferences>(key) ?? { prefs: {}, revision: 0 },
    unsent: store.readNow<PreferenceChanges>(unsentKey),
  })
  const [state, setState] = createSignal(read())
  /**
   * False until the server has sent the preferences: until then, changes from other devices may be
   * missing.
   */
  const [isCurrent, setCurrent] = createSignal(false)
  onCleanup(store.watchNow(key, () => setState(read)))
  const all = createMemo(() => merge(state().stored.prefs, state().unsent))

  function setUnsent(unsent?: PreferenceChanges) {
    store.writeNow(unsentKey, unsent)
    setState({ ...state(), unsent })
  }

  return {
    all,
    isCurrent,
    unsent: () => state().unsent,
    set: (changes: PreferenceChanges) => setUnsent(merge(state().unsent ?? {}, changes)),
    /**
     * Deletes the unsent changes if they are still the ones in `sent`. If the user has made further
     * changes meanwhile, all remain unsent.
     */
    settle: (sent: PreferenceChanges) => state().unsent === sent && setUnsent(),
    receive({ prefs, revision }: StoredPreferences) {
      if (revision >= state().stored.revision) {
        const stored = { prefs, revision }
        store.writeNow(key, stored)
        setState({ ...state(), stored })
      }
      setCurrent(true)
    },
  }
}

function merge(before: PreferenceChanges, changes: PreferenceChanges = {}): PreferenceChanges {
  const rooms = { ...before.rooms, ...changes.rooms }
  const translateRooms = { ...before.translateRooms, ...changes.translateRooms }
  return { ...before, ...changes, rooms, translateRooms }
}
