import { createEffect, createSignal, on, onCleanup } from 'solid-js'
import type { ChosenStatus } from '#schema/messages/presence'
import type { Presence } from './createPresence.ts'
import type { LocalStore } from './localStore.ts'

export type DoNotDisturb = ReturnType<typeof createDoNotDisturb>

interface StoredStatus {
  status: ChosenStatus
  /** In milliseconds since the epoch. */
  until?: number | undefined
}

const key = 'status'
const retryDelayMs = 30_000

/**
 * The status that the user has chosen, and its end. The server deletes the status when the user's
 * last connection closes, so this browser stores it and publishes it again.
 */
export function createDoNotDisturb(store: LocalStore, presence: Presence) {
  const readStored = () => store.readNow<StoredStatus>(key)
  const [choice, setChoice] = createSignal(readStored())
  onCleanup(store.watchNow(key, () => setChoice(readStored())))
  const isActive = () => presence.mine() === 'busy'
  const until = () => (isActive() ? choice()?.until : undefined)

  createEffect(() => {
    const end = until()
    if (end === undefined) return
    let timer = setTimeout(expire, Math.max(0, end - Date.now()))
    onCleanup(() => clearTimeout(timer))
    function expire() {
      choose('online').catch(() => {
        timer = setTimeout(expire, retryDelayMs)
      })
    }
  })

  // After the server has deleted the chosen status, it reports `online`. This effect then publishes
  // the chosen status again.
  createEffect(
    on(presence.mine, (status) => {
      if (status !== 'online') return
      let timer: ReturnType<typeof setTimeout> | undefined
      onCleanup(() => clearTimeout(timer))
      void restore()

      async function restore() {
        const { status: chosen = 'online', until: end = Number.POSITIVE_INFINITY } = choice() ?? {}
        if (chosen === 'online') return
        if (end <= Date.now()) return persist(undefined)
        await presence.choose(chosen).catch(() => {
          timer = setTimeout(restore, retryDelayMs)
        })
      }
    }),
  )
  // A status that was chosen in another tab of this browser is already stored, with its end. A status
  // that was chosen on another device is stored here, without an end.
  presence.onChosen((status) => {
    if (readStored()?.status !== status) persist({ status })
  })

  function persist(chosen: StoredStatus | undefined) {
    store.writeNow(key, chosen)
    setChoice(chosen)
  }

  async function choose(status: ChosenStatus, end?: number) {
    const before = choice()
    // Stores the status before publishing it: otherwise, `onChosen` would store it without its end.
    persist({ status, until: end })
    try {
      await presence.choose(status)
    } catch (error) {
      persist(before)
      throw error
    }
  }

  return {
    isActive,
    chosen: (): ChosenStatus => choice()?.status ?? 'online',
    /** In milliseconds since the epoch; undefined if the status has no end. */
    until,
    /** At `end`, in milliseconds since the epoch, the status returns to `online`. */
    choose,
  }
}
