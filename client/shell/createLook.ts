import { createEffect, createSignal, onCleanup } from 'solid-js'
import type { RoomId, UserId } from '#schema/ids'

/**
 * Knows at which rooms somebody looks, in any tab: each tab that is seen holds a lock in the name of
 * the room it shows, and lets go of it however it ends.
 */
export function createLook(user: UserId, roomHere: () => RoomId | undefined) {
  const [isVisible, setVisible] = createSignal(isSeen())
  const nameOf = (room: RoomId) => `natter ${user} looks at ${room}`
  const onChange = () => setVisible(isSeen())
  document.addEventListener('visibilitychange', onChange)
  onCleanup(() => document.removeEventListener('visibilitychange', onChange))

  createEffect(() => {
    const room = isVisible() ? roomHere() : undefined
    // Where there are no locks, pages are not served safely and there are no notifications either.
    if (room === undefined || !navigator.locks) return
    const { promise, resolve } = Promise.withResolvers<void>()
    void navigator.locks.request(nameOf(room), { mode: 'shared' }, () => promise)
    onCleanup(resolve)
  })

  return {
    async isLookedAt(room: RoomId): Promise<boolean> {
      if (isVisible() && roomHere() === room) return true
      const { held = [] } = (await navigator.locks?.query()) ?? {}
      return held.some(({ name }) => name === nameOf(room))
    },
  }
}

function isSeen(): boolean {
  return document.visibilityState === 'visible'
}
