import { createEffect, createSignal, onCleanup } from 'solid-js'
import type { UserId } from '#schema/ids'
import type { Route } from '../routing/createRoute.ts'
import { isPageActive } from '../ui/isPageActive.ts'

/**
 * Tracks which rooms and threads are visible in any tab. The active tab holds a shared Web Lock for each
 * of them. The browser releases these locks if the tab crashes.
 */
export function createVisibleRooms(user: UserId, route: () => Route) {
  const [isActive, setActive] = createSignal(isPageActive())
  const lockName = (place: string) => `natter ${user} looks at ${place}`
  const events = new AbortController()
  const { signal } = events
  const onChange = () => setActive(isPageActive())
  document.addEventListener('visibilitychange', onChange, { signal })
  window.addEventListener('focus', onChange, { signal })
  window.addEventListener('blur', onChange, { signal })
  onCleanup(() => events.abort())

  createEffect(() => {
    // Browsers have no Web Locks without HTTPS, but they show no notifications then either.
    if (!isActive() || !navigator.locks) return
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const place of shown(route()))
      void navigator.locks.request(lockName(place), { mode: 'shared' }, () => promise)
    onCleanup(resolve)
  })

  return {
    /**
     * Returns whether the room or thread is visible in any tab. A thread is not visible if only its
     * room is shown.
     */
    async isVisible(place: Pick<Route, 'room' | 'thread'>): Promise<boolean> {
      const last = shown(place).at(-1)
      if (last === undefined) return false
      if (isActive() && shown(route()).includes(last)) return true
      const { held = [] } = (await navigator.locks?.query()) ?? {}
      return held.some(({ name }) => name === lockName(last))
    },
  }
}

function shown({ room, thread }: Pick<Route, 'room' | 'thread'>): string[] {
  if (room === undefined) return []
  return thread === undefined ? [room] : [room, `${room}/${thread}`]
}
