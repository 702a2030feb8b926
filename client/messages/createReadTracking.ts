import { createEffect, on, onCleanup, onMount } from 'solid-js'
import type { VListHandle } from 'virtua/solid'
import { useChat } from '../chat/createChat.ts'
import { isPageActive } from '../ui/isPageActive.ts'
import { useConversation } from './createConversation.ts'

export function createReadTracking(list: () => VListHandle | undefined) {
  const chat = useChat()
  const conversation = useConversation()
  const { room, rows, threadId, isPreview, timeline, isMarkedUnread } = conversation
  const { resumeReading, readSeq, setSeen } = conversation
  let seen = 0
  const lastRead = () => {
    const read = threadId === undefined ? chat.rooms.byId(room.id) : chat.threads.byId[threadId]
    return Math.max(seen, read?.readSeq ?? 0)
  }

  function track() {
    const view = list()
    if (!view || isPreview || !isPageActive() || isMarkedUnread()) return
    if (timeline.opened() === 0) return
    if (view.viewportSize === 0) return void requestAnimationFrame(track)
    const end = view.findItemIndex(view.scrollOffset + view.viewportSize - 1)
    for (let index = Math.min(end, rows().length - 1); index >= 0; index--) {
      const row = rows()[index]
      if (row?.kind !== 'message') continue
      seen = Math.max(seen, row.item.seq)
      if (threadId !== undefined) return chat.rooms.markThreadRead(room.id, threadId, row.item.seq)
      // When the last message of the room is read, events after it, such as edits, count as read.
      const isLast =
        !timeline.hasNewer() && !rows().some((other, i) => i > index && other.kind === 'message')
      const latest = isLast ? timeline.completeUpTo() : 0
      return chat.rooms.markRead(room.id, Math.max(row.item.seq, latest))
    }
  }

  function onKey({ key, target, defaultPrevented }: KeyboardEvent) {
    const isHere = target instanceof Element && target.closest('.room-main') !== null
    if (key === 'Escape' && isHere && !defaultPrevented) resumeReading()
  }

  createEffect(on([rows, isMarkedUnread], () => requestAnimationFrame(track)))
  onMount(() => {
    window.addEventListener('focus', track)
    window.addEventListener('keydown', onKey)
    onCleanup(() => {
      window.removeEventListener('focus', track)
      window.removeEventListener('keydown', onKey)
    })
  })

  return {
    track,
    onMessage() {
      if (threadId === undefined && timeline.opened() > 0 && !isPageActive()) setSeen(lastRead())
    },
    isLineUnseen: () => !isPageActive() && (readSeq() ?? -1) >= lastRead(),
  }
}
