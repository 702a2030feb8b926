import { createEffect, on, onCleanup, onMount } from 'solid-js'
import type { VListHandle } from 'virtua/solid'
import { useChat } from '../chat/createChat.ts'
import { isPageActive } from '../ui/isPageActive.ts'
import { useConversation } from './createConversation.ts'

/** How far a room has been read: what was on the screen of a page that somebody looked at. */
export function createReadTracking(list: () => VListHandle | undefined) {
  const chat = useChat()
  const { room, rows, threadId, timeline, isKeptUnread, letRead, readSeq, setSeen } =
    useConversation()
  let seen = 0
  const lastRead = () => Math.max(seen, chat.rooms.byId[room.id]?.readSeq ?? 0)

  function note() {
    const view = list()
    if (!view || threadId !== undefined || !isPageActive() || isKeptUnread()) return
    // What was kept is not the newest that the room has.
    if (timeline.opened() === 0) return
    // Not measured yet: nothing is seen before.
    if (view.viewportSize === 0) return void requestAnimationFrame(note)
    const end = view.findItemIndex(view.scrollOffset + view.viewportSize - 1)
    for (let at = Math.min(end, rows().length - 1); at >= 0; at--) {
      const row = rows()[at]
      if (row?.kind !== 'message') continue
      seen = Math.max(seen, row.item.seq)
      // Who is at the end of a room has been told of all its threads: their answers stand beside them.
      const isLast =
        !timeline.hasNewer() && !rows().some((it, i) => i > at && it.kind === 'message')
      const known = isLast ? timeline.knownTo() : 0
      return chat.rooms.markRead(room.id, Math.max(row.item.seq, known))
    }
  }

  /** Escape in the room, wherever nothing else is closed by it. */
  function onKey({ key, target, defaultPrevented }: KeyboardEvent) {
    const isHere = target instanceof Element && target.closest('.room-main') !== null
    if (key === 'Escape' && isHere && !defaultPrevented) letRead()
  }

  createEffect(on([rows, isKeptUnread], () => requestAnimationFrame(note)))
  onMount(() => {
    window.addEventListener('focus', note)
    window.addEventListener('keydown', onKey)
    onCleanup(() => {
      window.removeEventListener('focus', note)
      window.removeEventListener('keydown', onKey)
    })
  })

  return {
    note,
    /** Somebody else has said something: who is not looking finds a line before it. */
    hear() {
      if (threadId === undefined && timeline.opened() > 0 && !isPageActive()) setSeen(lastRead())
    },
    /** What is below the line has not been looked at. */
    isLineUnseen: () => !isPageActive() && (readSeq() ?? -1) >= lastRead(),
  }
}
