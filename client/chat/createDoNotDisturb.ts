import { createEffect, createSignal, on, onCleanup } from 'solid-js'
import type { ChosenStatus } from '#schema/messages/presence'
import type { Presence } from './createPresence.ts'
import type { LocalStore } from './localStore.ts'

export type DoNotDisturb = ReturnType<typeof createDoNotDisturb>

/** How somebody wants to be seen, and until when. */
interface StoredStatus {
  status: ChosenStatus
  /** In milliseconds since the epoch. */
  until?: number | undefined
}

const key = 'status'
const retryDelayMs = 30_000

/**
 * Do not disturb: a status that others see too, and that holds on every machine. The server forgets it
 * with the last connection, as when the only tab is loaded again: this browser says it anew. When it
 * shall end by itself is known here as well, and it ends then, or when the page is next opened.
 */
export function createDoNotDisturb(store: LocalStore, presence: Presence) {
  const readChoice = () => store.readNow<StoredStatus>(key)
  const [choice, setChoice] = createSignal(readChoice())
  onCleanup(store.watchNow(key, () => setChoice(readChoice())))
  const isQuiet = () => presence.mine() === 'busy'
  const until = () => (isQuiet() ? choice()?.until : undefined)

  createEffect(() => {
    const end = until()
    if (end === undefined) return
    let timer = setTimeout(wake, Math.max(0, end - Date.now()))
    onCleanup(() => clearTimeout(timer))
    function wake() {
      // Where nobody can be told now, they are in a while.
      choose('online').catch(() => {
        timer = setTimeout(wake, retryDelayMs)
      })
    }
  })

  createEffect(
    on(presence.mine, (status) => {
      const { status: chosen = 'online', until: end = Number.POSITIVE_INFINITY } = choice() ?? {}
      if (status !== 'online' || chosen === 'online') return
      if (end <= Date.now()) remember(undefined)
      // Who cannot be told now is told with the next heartbeat that finds us online.
      else presence.choose(chosen).catch(() => undefined)
    }),
  )
  // Said on another machine, or in another tab, which has kept for how long as well.
  presence.onChosen((status) => {
    if (readChoice()?.status !== status) remember({ status })
  })

  function remember(chosen: StoredStatus | undefined) {
    store.writeNow(key, chosen)
    setChoice(chosen)
  }

  async function choose(status: ChosenStatus, end?: number) {
    const before = choice()
    // First, so that what is heard of it is no news.
    remember({ status, until: end })
    try {
      await presence.choose(status)
    } catch (error) {
      remember(before)
      throw error
    }
  }

  return {
    isQuiet,
    /** How somebody has said, here or elsewhere, that they want to be seen. */
    chosen: (): ChosenStatus => choice()?.status ?? 'online',
    /** In milliseconds since the epoch; undefined for as long as nobody says otherwise. */
    until,
    /** Says how one is; of `busy`, for how long. */
    choose,
  }
}
