import { createEffect, createSignal, onCleanup } from 'solid-js'
import type { UserId } from '#schema/ids'
import type { Route } from '../routing/createRoute.ts'
import { isPageActive } from '../ui/isPageActive.ts'

/**
 * Knows what somebody looks at, in any tab: the tab that they work with holds a lock in the name of
 * each room and thread it shows, and lets go of it however it ends.
 */
export function createVisibleRooms(user: UserId, here: () => Route) {
  const [isSeen, setSeen] = createSignal(isPageActive())
  const nameOf = (place: string) => `natter ${user} looks at ${place}`
  const events = new AbortController()
  const { signal } = events
  const onChange = () => setSeen(isPageActive())
  document.addEventListener('visibilitychange', onChange, { signal })
  window.addEventListener('focus', onChange, { signal })
  window.addEventListener('blur', onChange, { signal })
  onCleanup(() => events.abort())

  createEffect(() => {
    // Where there are no locks, pages are not served safely and there are no notifications either.
    if (!isSeen() || !navigator.locks) return
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const place of shown(here()))
      void navigator.locks.request(nameOf(place), { mode: 'shared' }, () => promise)
    onCleanup(resolve)
  })

  return {
    /** Of what is said in a thread those see nothing who see its room alone. */
    async isLookedAt(place: Pick<Route, 'room' | 'thread'>): Promise<boolean> {
      const wanted = shown(place).at(-1)
      if (wanted === undefined) return false
      if (isSeen() && shown(here()).includes(wanted)) return true
      const { held = [] } = (await navigator.locks?.query()) ?? {}
      return held.some(({ name }) => name === nameOf(wanted))
    },
  }
}

/** A room, and the thread beside it. */
function shown({ room, thread }: Pick<Route, 'room' | 'thread'>): string[] {
  if (room === undefined) return []
  return thread === undefined ? [room] : [room, `${room}/${thread}`]
}
