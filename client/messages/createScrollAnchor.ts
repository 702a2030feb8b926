import { createEffect, createMemo, createSignal, on, onCleanup } from 'solid-js'
import type { VListHandle } from 'virtua/solid'
import { useChat } from '../chat/createChat.ts'
import { useConversation } from './createConversation.ts'
import type { createLinkedMessage } from './createLinkedMessage.ts'
import { createReadTracking } from './createReadTracking.ts'
import type { ListRow } from './rows.ts'
import { hasMovedUp, listStart, placeOf } from './scrollPlace.ts'

/** If the list is at most this many pixels from its end, it follows new messages. */
const atEndPx = 60
const loadPx = 800
const aboveLinePx = 80

interface ListStart {
  firstMessage?: string | undefined
  firstRow?: string | undefined
  opened: number
  isPrepended: boolean
}

/**
 * Opens the list at the linked message, else at the unread line, else at the end. At the end, the list
 * follows new messages.
 */
export function createScrollAnchor(linked: ReturnType<typeof createLinkedMessage>) {
  const chat = useChat()
  const conversation = useConversation()
  const { rows, timeline, room, threadId, readSeq, isLineAbove } = conversation
  const [isAtEnd, setAtEnd] = createSignal(true)
  const [newInThread, setNewInThread] = createSignal(0)
  const [isUnreadAbove, setUnreadAbove] = createSignal(false)
  let list: VListHandle | undefined
  let lastPlace = listStart
  const reading = createReadTracking(() => list)

  const lineIndex = () => rows().findIndex(({ kind }) => kind === 'unread')

  // New rows are measured in the next frame, so scrolling now would stop above them.
  const toEnd = () => void requestAnimationFrame(scrollToEnd)

  function scrollToEnd() {
    list?.scrollToIndex(rows().length - 1, { align: 'end' })
    if (!timeline.hasNewer()) setAtEnd(true)
    setNewInThread(0)
  }

  /** Scrolls to the end. On an inactive page, stops earlier, to keep the unread line in view. */
  function follow() {
    const isUnseen = reading.isLineUnseen()
    requestAnimationFrame(() => {
      const line = isUnseen ? lineIndex() : -1
      if (!list || line < 0) return scrollToEnd()
      const top = list.getItemOffset(line) - aboveLinePx
      if (top >= list.scrollSize - list.viewportSize) return scrollToEnd()
      setAtEnd(false)
      list.scrollTo(top)
    })
  }

  const start = createMemo<ListStart>(
    (before) => {
      const firstMessage = rows().find(({ kind }) => kind === 'message')?.key
      const firstRow = rows()[0]?.key
      const opened = timeline.opened()
      // The start row (see RoomStart) counts as prepended, even if no older messages appeared with it.
      const isStart =
        firstRow === 'start' && before.firstRow !== undefined && firstRow !== before.firstRow
      const isOlder =
        firstMessage !== before.firstMessage &&
        rows().some(({ key }) => key === before.firstMessage)
      // If rows were prepended, the option `shift` of the virtual list keeps the scroll position
      // relative to the end, so that the visible rows stay in place. Before the viewport is
      // measured, this option would leave the list blank.
      const isMeasured = list !== undefined && list.viewportSize > 0
      const isPrepended = isMeasured && (isOlder || (isStart && opened === before.opened))
      return { firstMessage, firstRow, opened, isPrepended }
    },
    { opened: 0, isPrepended: false },
  )

  createEffect(
    on([rows, timeline.opened, timeline.hasNewer], ([now, opened], earlier) => {
      const [before = [], openedBefore = 0, hadNewer = false] = earlier ?? []
      const grew = now.length - before.length
      const last = now.at(-1)
      if (opened !== openedBefore || before.length === 0) return openAt(now)
      if (grew <= 0 || last === before.at(-1)) return
      const isOwn = last?.kind === 'message' && last.item.sender === chat.me
      if (last?.kind === 'outgoing') return toEnd()
      // If `hadNewer` is true, the newest history pages were not loaded before. The added rows are
      // then from the next history page, and are not new messages.
      if (hadNewer) return
      reading.onMessage()
      if (isAtEnd() || isOwn) follow()
      else setNewInThread((count) => count + grew)
    }),
  )

  function openAt(now: readonly ListRow[]) {
    lastPlace = listStart
    if (linked.hasTarget()) return void setAtEnd(false)
    if (now.some(({ kind }) => kind === 'unread')) scrollToLine()
    else toEnd()
  }

  function scrollToLine() {
    setAtEnd(false)
    const line = lineIndex()
    requestAnimationFrame(() => {
      list?.scrollToIndex(line, { align: 'start', offset: -aboveLinePx })
      onScroll()
    })
  }

  createEffect(
    on(linked.marked, (id) => {
      if (id === undefined) return
      setAtEnd(false)
      const index = rows().findIndex((row) => row.kind === 'message' && row.item.id === id)
      requestAnimationFrame(() => {
        list?.scrollToIndex(index, { align: 'center' })
        setUnreadAbove(isLineOutOfView())
        onScroll()
      })
    }),
  )

  function isLineOutOfView(): boolean {
    const line = lineIndex()
    return (
      isLineAbove() ||
      (line >= 0 && list !== undefined && list.getItemOffset(line) < list.scrollOffset)
    )
  }

  function onScroll() {
    if (!list) return
    const { scrollOffset, scrollSize, viewportSize } = list
    const left = scrollSize - scrollOffset - viewportSize
    const place = placeOf(list)
    const wentUp = hasMovedUp(lastPlace, place)
    lastPlace = place
    if (left < atEndPx && !timeline.hasNewer()) setAtEnd(true)
    // The distance to the end does not show that the user scrolled up: new rows also increase it.
    else if (wentUp || timeline.hasNewer()) setAtEnd(false)
    if (isAtEnd()) setNewInThread(0)
    if (isUnreadAbove()) setUnreadAbove(isLineOutOfView())
    loadMore()
    reading.track()
  }

  function loadMore() {
    if (!list || list.viewportSize === 0) return
    const { scrollOffset, scrollSize, viewportSize } = list
    if (scrollOffset < loadPx && timeline.hasOlder()) timeline.loadOlder()
    const left = scrollSize - scrollOffset - viewportSize
    if (left < loadPx && timeline.hasNewer()) timeline.loadNewer()
  }

  return {
    isAtEnd,
    /** True if a link has opened the list, and the unread line is above the view. */
    isUnreadAbove,
    /**
     * True if rows were prepended: the virtual list then keeps its scroll position relative to the
     * end.
     */
    isPrepended: () => start().isPrepended,
    /**
     * Number of new messages. For a room, this is the server's count of unread messages. For a
     * thread, the page counts the messages itself.
     */
    newBelow: () =>
      threadId === undefined ? chat.countUnread(chat.rooms.byId(room.id) ?? room) : newInThread(),
    onScroll,
    setList(handle: VListHandle | undefined) {
      list = handle
    },
    observeSize(element: HTMLElement) {
      const observer = new ResizeObserver(() => {
        if (!isAtEnd() || rows().length === 0) return onScroll()
        follow()
        loadMore()
      })
      const view = element.querySelector('.list')
      for (const target of [view, view?.firstElementChild]) if (target) observer.observe(target)
      onCleanup(() => observer.disconnect())
    },
    async goToPresent() {
      conversation.resumeReading()
      if (timeline.hasNewer()) await timeline.goToPresent()
      toEnd()
    },
    async goToUnread() {
      setUnreadAbove(false)
      if (isLineAbove()) await timeline.goTo((readSeq() ?? 0) + 1)
      scrollToLine()
    },
  }
}
