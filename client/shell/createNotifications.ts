import { createEffect, onCleanup } from 'solid-js'
import type { RoomId } from '#schema/ids'
import type { Notice, Said } from '#schema/messages/log'
import type { MyRoom } from '#schema/messages/room'
import { ask } from '../chat/ask.ts'
import type { Chat } from '../chat/createChat.ts'
import { toPlainText } from '../text/plain.ts'
import { createLook } from './createLook.ts'
import { type Places, pathOf, readPlace } from './createPlace.ts'

const bodyLength = 200

/**
 * Tells of what is said while nobody looks. Of all tabs of one person a single one tells; none does
 * while one of them shows the room.
 */
export function createNotifications(chat: Chat, places: Places) {
  const look = createLook(chat.me, () => places.place().room)
  const shown = new Map<RoomId, { seq: number; notification: Notification }>()

  // What has been read, here or elsewhere, calls for nobody any more.
  createEffect(() => {
    for (const { id, readSeq } of chat.rooms.list()) if (readSeq >= seqOf(id)) close(id)
  })
  // One that the worker showed was pressed.
  const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker
  const onPressed = ({ data }: MessageEvent<{ path?: string }>) => {
    if (data.path !== undefined) places.go(readPlace(data.path))
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
    return ask(chat.client, 'msg.get', { notifyId }).catch(() => undefined)
  }

  function isWanted({ sender, mentions }: Pick<Said, 'sender' | 'mentions'>, room: MyRoom) {
    if (sender === chat.me) return false
    const level = chat.notify.levelOf(room.id)
    return level === 'all' || room.kind === 'direct' || mentions.includes(chat.me)
  }

  return {
    async hear(notice: Notice, room: MyRoom) {
      if (!('Notification' in window) || Notification.permission !== 'granted') return
      if (chat.quiet.isQuiet() || chat.notify.levelOf(room.id) === 'none') return
      const said = await read(notice)
      if (!said || !isWanted(said, room) || (await look.isLookedAt(room.id))) return
      if (!(await chat.claim(`told ${room.id} ${notice.seq}`))) return

      const who = await chat.people.find(said.sender)
      const nameOf = (user: typeof said.sender) => chat.people.name(user)
      const { threadId: thread } = said
      const place = { room: room.id, message: said.id, ...(thread === undefined ? {} : { thread }) }
      const title = room.kind === 'direct' ? who : `${who} · ${chat.titleOf(room)}`
      const notification = await show(title, {
        body: toPlainText(said.text, bodyLength, nameOf),
        // The next one of a room takes the place of the one before.
        tag: `natter ${room.id}`,
        icon: '/icon.svg',
        // For a service worker, which knows no more of it than this.
        data: { path: pathOf(place) },
      })
      if (!notification) return
      shown.set(room.id, { seq: notice.seq, notification })
      notification.onclick = () => {
        window.focus()
        places.go(place)
        close(room.id)
      }
    },
  }
}

/** Phones show what a service worker tells, and nothing else; that one then hears of the click. */
async function show(
  title: string,
  options: NotificationOptions & { tag: string },
): Promise<Notification | undefined> {
  try {
    return new Notification(title, options)
  } catch {
    const worker = await navigator.serviceWorker?.ready
    await worker?.showNotification(title, options)
    return (await worker?.getNotifications({ tag: options.tag }))?.at(-1)
  }
}
