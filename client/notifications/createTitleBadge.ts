import { createEffect, onCleanup } from 'solid-js'
import type { Chat } from '../chat/createChat.ts'
import type { Router } from '../routing/createRoute.ts'

/** How much calls for somebody: in the title, on the tab, and on the icon of an installed page. */
export function createTitleBadge(chat: Chat, places: Router) {
  createEffect(() => {
    const rooms = chat.rooms.list()
    const loud = rooms.reduce((sum, room) => sum + chat.notify.loudIn(room), 0)
    const isUnread = rooms.some(({ id, unread }) => unread > 0 && !chat.notify.isMuted(id))
    const room = rooms.find(({ id }) => id === places.place().room)
    const title = room ? `${chat.titleOf(room)} · Natter` : 'Natter'
    show(loud > 0 ? `(${loud}) ${title}` : isUnread ? `• ${title}` : title, loud)
  })
  onCleanup(() => show('Natter', 0))
}

function show(title: string, loud: number) {
  document.title = title
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
  const wanted = loud > 0 ? '/icon-unread.svg' : '/icon.svg'
  // Browsers read the icon again each time it is set.
  if (icon && icon.getAttribute('href') !== wanted) icon.href = wanted
  const done = loud > 0 ? navigator.setAppBadge?.(loud) : navigator.clearAppBadge?.()
  void done?.catch(() => undefined)
}
