import { createEffect, onCleanup } from 'solid-js'
import type { Chat } from '../chat/createChat.ts'
import type { Router } from '../routing/createRoute.ts'

export function createTitleBadge(chat: Chat, router: Router) {
  createEffect(() => {
    const rooms = chat.rooms.list()
    const count = rooms.reduce((sum, room) => sum + chat.notify.badgeCountOf(room), 0)
    const isUnread = rooms.some((room) => room.unread > 0 && !chat.notify.isMuted(room))
    const room = rooms.find(({ id }) => id === router.route().room)
    const title = room ? `${chat.titleOf(room)} · Natter` : 'Natter'
    show(count > 0 ? `(${count}) ${title}` : isUnread ? `• ${title}` : title, count)
  })
  onCleanup(() => show('Natter', 0))
}

function show(title: string, count: number) {
  document.title = title
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
  const href = count > 0 ? '/icon-unread.svg' : '/icon.svg'
  // `href` is set only if it changes, because browsers reload the icon each time it is set.
  if (icon && icon.getAttribute('href') !== href) icon.href = href
  const done = count > 0 ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.()
  void done?.catch(() => undefined)
}
