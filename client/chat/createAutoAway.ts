import { onCleanup } from 'solid-js'
import type { DoNotDisturb } from './createDoNotDisturb.ts'
import type { Presence } from './createPresence.ts'
import type { LocalStore } from './localStore.ts'

const [idleMs, lookMs, noteMs] = [10 * 60_000, 30_000, 20_000]
const key = 'active'
const inputs = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchstart']

/**
 * Shows somebody as away who has touched none of their tabs for ten minutes, and as online again when
 * they do. Whoever has chosen how to be seen stays so.
 */
export function createAutoAway(store: LocalStore, presence: Presence, doNotDisturb: DoNotDisturb) {
  let lastAt = Date.now()
  let notedAt = 0
  let isBusy = false
  const events = new AbortController()
  for (const input of inputs)
    window.addEventListener(input, onInput, {
      signal: events.signal,
      passive: true,
      capture: true,
    })
  const timer = setInterval(look, lookMs)
  onCleanup(() => {
    events.abort()
    clearInterval(timer)
  })
  onInput()

  function onInput() {
    lastAt = Date.now()
    // Other tabs need not know it to the second.
    if (lastAt - notedAt > noteMs) {
      notedAt = lastAt
      store.writeNow(key, lastAt)
    }
    if (presence.mine() === 'away' && doNotDisturb.chosen() !== 'away')
      tell(() => presence.choose('online'))
  }

  function look() {
    const at = Math.max(lastAt, store.readNow<number>(key) ?? 0)
    if (presence.mine() === 'online' && Date.now() - at >= idleMs) tell(presence.idle)
  }

  /** What does not reach the server now is said at the next occasion. */
  function tell(what: () => Promise<void>) {
    if (isBusy) return
    isBusy = true
    what()
      .catch(() => undefined)
      .finally(() => {
        isBusy = false
      })
  }
}
