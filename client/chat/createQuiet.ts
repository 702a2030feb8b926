import { createEffect, createSignal, onCleanup } from 'solid-js'
import type { UserId } from '#schema/ids'
import type { ChosenStatus } from '#schema/messages/presence'
import type { Presence } from './createPresence.ts'
import type { Kept } from './kept.ts'

export type Quiet = ReturnType<typeof createQuiet>

const key = 'quiet until'
const againMs = 30_000

/**
 * Do not disturb: a status that others see too, and that holds on every machine. When it shall end by
 * itself is known to this browser, which ends it then, or when it is next opened.
 */
export function createQuiet(kept: Kept, presence: Presence, me: UserId) {
  const [until, setUntil] = createSignal(kept.readNow<number>(key))
  onCleanup(kept.watchNow(key, () => setUntil(kept.readNow<number>(key))))
  const isQuiet = () => presence.statusOf(me) === 'busy'

  createEffect(() => {
    const end = until()
    if (end === undefined || !isQuiet()) return
    let timer = setTimeout(wake, Math.max(0, end - Date.now()))
    onCleanup(() => clearTimeout(timer))
    function wake() {
      // Where nobody can be told now, they are in a while.
      choose('online').catch(() => {
        timer = setTimeout(wake, againMs)
      })
    }
  })

  async function choose(status: ChosenStatus, end?: number) {
    await presence.choose(status)
    kept.writeNow(key, end)
    setUntil(end)
  }

  return {
    isQuiet,
    /** In milliseconds since the epoch; undefined for as long as nobody says otherwise. */
    until: () => (isQuiet() ? until() : undefined),
    /** Says how one is; of `busy`, for how long. */
    choose,
  }
}
