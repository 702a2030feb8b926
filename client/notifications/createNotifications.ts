import { createEffect, onCleanup } from 'solid-js'
import type { RoomId } from '#schema/ids'
import type { MessageSent, Notice } from '#schema/messages/event'
import type { MyRoom } from '#schema/messages/room'
import type { Chat } from '../chat/createChat.ts'
import type { Language } from '../i18n/createLanguage.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { parsePath, pathOf, type Route, type Router } from '../routing/createRoute.ts'
import { toPlainText } from '../text/plain.ts'
import { createVisibleRooms } from './createVisibleRooms.ts'

const bodyLength = 200

interface NotificationContent {
  place: Route & { room: RoomId }
  seq: number
  title: string
  body: string
}

/**
 * Tells of what is said while nobody looks. Of all tabs of one person a single one tells; none does
 * while one of them shows the room.
 */
export function createNotifications(chat: Chat, places: Router, tn: Language['tn']) {
  const look = createVisibleRooms(chat.me, places.place)
  const shown = new Map<RoomId, { seq: number; notification: Notification }>()

  // What has been read, here or elsewhere, calls for nobody any more.
  createEffect(() => {
    for (const { id, readSeq } of chat.rooms.list()) if (readSeq >= seqOf(id)) close(id)
  })
  // One that the worker showed was pressed.
  const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker
  const onPressed = ({ data }: MessageEvent<{ path?: string }>) => {
    if (data.path !== undefined) places.go(parsePath(data.path))
  }
  workers?.addEventListener('message', onPressed)
  onCleanup(() => {
    workers?.removeEventListener('message', onPressed)
    for (const id of shown.keys()) close(id)
  })
  const seqOf = (id: RoomId) => shown.get(id)?.seq ?? Number.POSITIVE_INFINITY

  function close(id: RoomId) {
    shown.get(id)?.notification.close()
    shown.delete(id)
  }

  async function read({ event, notifyId }: Notice) {
    if (event?.kind === 'message') return event
    if (notifyId === undefined) return undefined
    return callWithRetry(chat.client, 'msg.get', { notifyId }).catch(() => undefined)
  }

  function isWanted(said: Pick<MessageSent, 'sender' | 'mentions'>, notice: Notice, room: MyRoom) {
    if (said.sender === chat.me) return false
    if (chat.notify.levelOf(room.id) === 'all' || room.kind === 'direct') return true
    return said.mentions.includes(chat.me) || chat.threads.isFollowed(notice)
  }

  function isSilent({ id }: MyRoom): boolean {
    const isAllowed = 'Notification' in window && Notification.permission === 'granted'
    return !isAllowed || chat.quiet.isQuiet() || chat.notify.levelOf(id) === 'none'
  }

  async function tell({ place, seq, title, body }: NotificationContent) {
    const notification = await show(title, {
      body,
      // The next one of a room takes the place of the one before, and calls for them all the same.
      tag: `natter ${place.room}`,
      renotify: true,
      icon: '/icon.svg',
      // For a service worker, which knows no more of it than this.
      data: { path: pathOf(place) },
    })
    if (!notification) return
    shown.set(place.room, { seq, notification })
    notification.onclick = () => {
      window.focus()
      places.go(place)
      close(place.room)
    }
  }

  return {
    /** Tells of what was said, if it is for them and nobody sees it. */
    async hear(notice: Notice, room: MyRoom) {
      if (isSilent(room)) return
      const said = await read(notice)
      if (!said || !isWanted(said, notice, room)) return
      const { id: message, threadId: thread, sender, text, mentions } = said
      const at = { room: room.id, ...(thread === undefined ? {} : { thread }) }
      if (await look.isLookedAt(at)) return
      if (!(await chat.claim(`told ${room.id} ${notice.seq}`))) return

      await chat.people.find([sender, ...mentions])
      const nameOf = (user: typeof sender) => chat.people.name(user)
      const who = nameOf(sender)
      await tell({
        place: { ...at, message },
        seq: notice.seq,
        title: room.kind === 'direct' ? who : `${who} · ${chat.titleOf(room)}`,
        body: toPlainText(text, bodyLength, nameOf),
      })
    },
    /** Tells how much was said for them while the connection was away. */
    async catchUp(room: MyRoom, before: MyRoom) {
      const loud = chat.notify.loudIn(room)
      if (isSilent(room) || loud <= chat.notify.loudIn(before)) return
      const { id, lastSeq, readSeq, mentions, unread } = room
      if (await look.isLookedAt({ room: id })) return
      if (!(await chat.claim(`missed ${id} ${readSeq} ${unread}`))) return
      const body = loud === mentions ? tn('rooms.mentions', mentions) : tn('rooms.unread', unread)
      await tell({ place: { room: id }, seq: lastSeq, title: chat.titleOf(room), body })
    },
  }
}

/** Phones show what a service worker tells, and nothing else; that one then hears of the click. */
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
