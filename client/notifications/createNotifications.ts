import { createEffect, onCleanup } from 'solid-js'
import type { RoomId } from '#schema/ids'
import type { MessageSent, Notice } from '#schema/messages/event'
import type { MyRoom } from '#schema/messages/room'
import { isMentioned } from '#schema/text/group-names'
import { usersIn } from '../apps/card.ts'
import type { Chat } from '../chat/createChat.ts'
import type { Language } from '../i18n/createLanguage.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { parsePath, pathOf, type Route, type Router } from '../routing/createRoute.ts'
import { toPlainText } from '../text/plain.ts'
import { createVisibleRooms } from './createVisibleRooms.ts'

const bodyLength = 200

interface NotificationContent {
  route: Route & { room: RoomId }
  seq: number
  title: string
  body: string
}

/**
 * Notifies the user of messages in rooms and threads that are not visible in any tab. Each
 * notification is shown by only one tab.
 */
export function createNotifications(chat: Chat, router: Router, { tn, textOf }: Language) {
  const visible = createVisibleRooms(chat.me, router.route)
  const shown = new Map<RoomId, { seq: number; notification: Notification }>()

  createEffect(() => {
    for (const { id, readSeq } of chat.rooms.list()) if (readSeq >= seqOf(id)) close(id)
  })
  const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker
  const onWorkerMessage = ({ data }: MessageEvent<{ path?: string }>) => {
    if (data.path !== undefined) router.go(parsePath(data.path))
  }
  workers?.addEventListener('message', onWorkerMessage)
  onCleanup(() => {
    workers?.removeEventListener('message', onWorkerMessage)
    for (const id of shown.keys()) close(id)
  })
  const seqOf = (id: RoomId) => shown.get(id)?.seq ?? Number.POSITIVE_INFINITY

  function close(id: RoomId) {
    shown.get(id)?.notification.close()
    shown.delete(id)
  }

  async function readMessage({ event, notifyId }: Notice) {
    if (event?.kind === 'message') return event
    if (notifyId === undefined) return undefined
    return callWithRetry(chat.client, 'msg.get', { notifyId }).catch(() => undefined)
  }

  function isRelevant(
    message: Pick<MessageSent, 'sender' | 'mentions'>,
    notice: Notice,
    room: MyRoom,
  ) {
    if (message.sender === chat.me) return false
    if (chat.notify.levelOf(room.id) === 'all' || room.kind === 'direct') return true
    return isMentioned(message.mentions, chat.me) || chat.threads.isFollowed(notice)
  }

  function isSilent(room: MyRoom): boolean {
    const isAllowed = 'Notification' in window && Notification.permission === 'granted'
    const isOff = chat.notify.isMuted(room) || chat.notify.levelOf(room.id) === 'none'
    return !isAllowed || chat.doNotDisturb.isActive() || isOff
  }

  async function notify({ route, seq, title, body }: NotificationContent) {
    const notification = await show(title, {
      body,
      // All notifications of a room have this tag, so each replaces the previous one.
      tag: `natter ${route.room}`,
      renotify: true,
      icon: '/icon.svg',
      // The service worker reads the path when the notification is clicked.
      data: { path: pathOf(route) },
    })
    if (!notification) return
    shown.set(route.room, { seq, notification })
    notification.onclick = () => {
      window.focus()
      router.go(route)
      close(route.room)
    }
  }

  return {
    async onMessage(notice: Notice, room: MyRoom) {
      if (isSilent(room)) return
      const message = await readMessage(notice)
      if (!message || !isRelevant(message, notice, room)) return
      const { id, threadId: thread, sender, card, mentions } = message
      const conversation = { room: room.id, ...(thread === undefined ? {} : { thread }) }
      if (await visible.isVisible(conversation)) return
      if (!(await chat.claim(`told ${room.id} ${notice.seq}`))) return

      await chat.people.loadNames([sender, ...(card ? usersIn(card) : mentions)])
      const nameOf = (user: typeof sender) => chat.people.name(user)
      const author = nameOf(sender)
      await notify({
        route: { ...conversation, message: id },
        seq: notice.seq,
        title: room.kind === 'direct' ? author : `${author} · ${chat.titleOf(room)}`,
        body: toPlainText(textOf(message, nameOf), bodyLength, { mentions, nameOf }),
      })
    },
    async onMissed(room: MyRoom, before: MyRoom) {
      const count = chat.notify.badgeCountOf(room)
      if (isSilent(room) || count <= chat.notify.badgeCountOf(before)) return
      const { id, lastSeq, readSeq, mentions, unread } = room
      if (await visible.isVisible({ room: id })) return
      if (!(await chat.claim(`missed ${id} ${readSeq} ${unread}`))) return
      const body = count === mentions ? tn('rooms.mentions', mentions) : tn('rooms.unread', unread)
      await notify({ route: { room: id }, seq: lastSeq, title: chat.titleOf(room), body })
    },
  }
}

/** In mobile browsers, `new Notification` throws, so the service worker shows the notification. */
async function show(
  title: string,
  options: NotificationOptions & { tag: string; renotify: boolean },
): Promise<Notification | undefined> {
  try {
    return new Notification(title, options)
  } catch {
    const worker = await navigator.serviceWorker?.ready
    await worker?.showNotification(title, options)
    return (await worker?.getNotifications({ tag: options.tag }))?.at(-1)
  }
}
