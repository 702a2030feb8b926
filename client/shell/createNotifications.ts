import { createEffect, onCleanup } from 'solid-js'
import type { Notice } from '#schema/messages/log'
import type { MyRoom } from '#schema/messages/room'
import type { Chat } from '../chat/createChat.ts'
import type { Settings } from '../chat/createSettings.ts'
import { toPlainText } from '../text/plain.ts'
import type { Places } from './createPlace.ts'

export interface NotificationsOptions {
  chat: Chat
  places: Places
  settings: Settings
}

const lockMs = 1_500

/** Tells of what is said while nobody looks: by the system, in the title, and on the tab. */
export function createNotifications({ chat, places, settings }: NotificationsOptions) {
  // Of several tabs one tells, and all show how many.
  const channel = new BroadcastChannel('natter-notifications')
  const told = new Set<string>()
  channel.onmessage = ({ data }) => typeof data === 'string' && remember(data)
  onCleanup(() => channel.close())

  function remember(key: string) {
    told.add(key)
    setTimeout(() => told.delete(key), 60_000)
  }

  createEffect(() => {
    const rooms = chat.rooms.list()
    const loud = rooms.reduce(
      (sum, room) => sum + (room.kind === 'direct' ? room.unread : room.mentions),
      0,
    )
    const isUnread = rooms.some(({ unread }) => unread > 0)
    const room = rooms.find(({ id }) => id === places.place().room)
    const title = room ? `${chat.titleOf(room)} · Natter` : 'Natter'
    document.title = loud > 0 ? `(${loud}) ${title}` : isUnread ? `• ${title}` : title
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    if (icon) icon.href = loud > 0 ? '/icon-unread.svg' : '/icon.svg'
  })

  function isWanted({ event }: Notice, room: MyRoom): boolean {
    if (chat.presence.statusOf(chat.me) === 'busy') return false
    const level = settings.notifyIn[room.id] ?? settings.notify
    if (level === 'none' || event?.kind !== 'message') return false
    return level === 'all' || room.kind === 'direct' || event.mentions.includes(chat.me)
  }

  return {
    hear(notice: Notice, room: MyRoom) {
      const { event } = notice
      const isSeen = document.hasFocus() && places.place().room === room.id
      if (isSeen || event?.kind !== 'message' || !isWanted(notice, room)) return
      if (!('Notification' in window) || Notification.permission !== 'granted') return
      const key = `${room.id} ${notice.seq}`
      // The tab that was last used goes first; the others hear of it and are silent.
      setTimeout(
        () => {
          if (told.has(key)) return
          remember(key)
          channel.postMessage(key)
          const shown = new Notification(
            `${chat.people.name(event.sender)} · ${chat.titleOf(room)}`,
            {
              body: toPlainText(event.text, 200),
              tag: room.id,
              icon: '/icon.svg',
            },
          )
          shown.onclick = () => {
            window.focus()
            places.go({ room: room.id })
            shown.close()
          }
        },
        document.visibilityState === 'visible' ? 0 : Math.random() * lockMs,
      )
    },
  }
}
