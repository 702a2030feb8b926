import { onCleanup } from 'solid-js'
import type { DoNotDisturb } from './createDoNotDisturb.ts'
import type { Presence } from './createPresence.ts'
import type { LocalStore } from './localStore.ts'

const [idleMs, checkMs, shareEveryMs] = [10 * 60_000, 30_000, 20_000]
const key = 'active'
const inputs = ['keydown', 'input', 'pointerdown', 'pointermove', 'wheel', 'touchstart']

/**
 * Publishes `away` after ten minutes without input in any tab, and `online` on the next input. Does
 * not change a status that the user has chosen.
 */
export function createAutoAway(store: LocalStore, presence: Presence, doNotDisturb: DoNotDisturb) {
  let lastInputAt = Date.now()
  let sharedAt = 0
  let isUpdating = false
  const events = new AbortController()
  for (const input of inputs)
    window.addEventListener(input, onInput, {
      signal: events.signal,
      passive: true,
      capture: true,
    })
  const timer = setInterval(check, checkMs)
  onCleanup(() => {
    events.abort()
    clearInterval(timer)
  })
  onInput()

  function onInput() {
    lastInputAt = Date.now()
    if (lastInputAt - sharedAt > shareEveryMs) {
      sharedAt = lastInputAt
      store.writeNow(key, lastInputAt)
    }
    if (presence.mine() === 'away' && doNotDisturb.chosen() !== 'away')
      update(() => presence.choose('online'))
  }

  function check() {
    const latestAt = Math.max(lastInputAt, store.readNow<number>(key) ?? 0)
    if (presence.mine() === 'online' && Date.now() - latestAt >= idleMs) update(presence.idle)
  }

  function update(publish: () => Promise<void>) {
    if (isUpdating) return
    isUpdating = true
    publish()
      .catch(() => undefined)
      .finally(() => {
        isUpdating = false
      })
  }
}
