import {
  createEffect,
  createMemo,
  createSignal,
  Match,
  on,
  onCleanup,
  Show,
  Switch,
} from 'solid-js'
import { VList, type VListHandle } from 'virtua/solid'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { toPlainText } from '../text/plain.ts'
import { useConversation } from './createConversation.ts'
import { createLinkedMessage } from './createLinkedMessage.ts'
import { createReadTracking } from './createReadTracking.ts'
import { JumpButtons } from './JumpButtons.tsx'
import { LoadingState, OlderMessages, RoomStart } from './ListStates.tsx'
import { Row } from './Row.tsx'
import type { ListRow } from './rows.ts'

/** How far from the end somebody still counts as being there, in pixels; and from where more is loaded. */
const [atEndPx, loadPx] = [60, 800]
/** So much more than is seen is drawn: whoever scrolls further in a frame sees what is seen being moved. */
const aheadPx = 600
/** So much of a message is said where one goes. */
const maxAnnounced = 300
/** So much of what was read before is left above the line of what is new. */
const aboveLinePx = 80

/** With what a list begins, and of which page. */
interface Top {
  first?: string | undefined
  top?: string | undefined
  opened: number
}

/** What was said, as far as it is on the screen. */
export function MessageList(props: { title: string }) {
  const chat = useChat()
  const { t, timeOf } = useLanguage()
  const conversation = useConversation()
  const { rows, timeline, room, threadId, readSeq, isLineAbove } = conversation
  const target = createLinkedMessage(chat, conversation)
  // What is drawn goes by its key, and so stays there, with the focus, when a message changes.
  const keys = createMemo(() => rows().map(({ key }) => key))
  /** What somebody writes is seen before the room has answered. */
  const hasList = createMemo(
    () => timeline.status() === 'ready' || (timeline.status() !== 'forbidden' && keys().length > 0),
  )
  const [isAtEnd, setAtEnd] = createSignal(true)
  const [newInThread, setNewInThread] = createSignal(0)
  const [isUnreadAbove, setUnreadAbove] = createSignal(false)
  let list: VListHandle | undefined
  let lastOffset = 0
  const reading = createReadTracking(() => list)

  // Once what was added has been measured.
  const toEnd = () => void requestAnimationFrame(scrollToEnd)

  function scrollToEnd() {
    list?.scrollToIndex(rows().length - 1, { align: 'end' })
    setNewInThread(0)
  }

  /** Stays at the end; of what nobody has looked at, no further than where it begins. */
  function follow() {
    const isUnseen = reading.isLineUnseen()
    requestAnimationFrame(() => {
      const line = isUnseen ? rows().findIndex(({ kind }) => kind === 'unread') : -1
      if (!list || line < 0) return scrollToEnd()
      const top = list.getItemOffset(line) - aboveLinePx
      if (top >= list.scrollSize - list.viewportSize) return scrollToEnd()
      setAtEnd(false)
      list.scrollTo(top)
    })
  }

  async function toPresent() {
    conversation.resumeReading()
    if (timeline.hasNewer()) await timeline.goToPresent()
    toEnd()
  }

  // Where rows came before those that were there, the list keeps its place from the end.
  const isPrepended = createMemo<Top & { is: boolean }>(
    (before) => {
      const first = rows().find(({ kind }) => kind === 'message')?.key
      const top = rows()[0]?.key
      const opened = timeline.opened()
      // The beginning may come alone; but not with another page, which is looked at from its start.
      const isStart = top === 'start' && before.top !== undefined && top !== before.top
      const isOther = first !== before.first && rows().some(({ key }) => key === before.first)
      // What has no size yet has no place to keep, and a list that is told to would show nothing at all.
      const isMeasured = list !== undefined && list.viewportSize > 0
      const is = isMeasured && (isOther || (isStart && opened === before.opened))
      return { first, top, opened, is }
    },
    { opened: 0, is: false },
  )

  // In a room the server counts what is unread; threads have no count of their own.
  const newBelow = () =>
    threadId === undefined ? (chat.rooms.byId[room.id]?.unread ?? 0) : newInThread()

  createEffect(
    on([rows, timeline.opened, timeline.hasNewer], ([now, opened], earlier) => {
      const [before = [], openedBefore = 0, hadNewer = false] = earlier ?? []
      const grew = now.length - before.length
      const last = now.at(-1)
      if (opened !== openedBefore || before.length === 0) return openAt(now)
      if (grew <= 0 || last === before.at(-1)) return
      const isOwn = last?.kind === 'message' && last.item.sender === chat.me
      if (last?.kind === 'outgoing') return toEnd()
      // A page more, and nothing that has just been said.
      if (hadNewer) return
      reading.onMessage()
      if (isAtEnd() || isOwn) follow()
      else setNewInThread((count) => count + grew)
    }),
  )

  /** Where a link leads, else where somebody left off, else the newest. */
  function openAt(now: readonly ListRow[]) {
    if (target.hasTarget()) return void setAtEnd(false)
    if (now.some(({ kind }) => kind === 'unread')) scrollToUnread()
    else toEnd()
  }

  function scrollToUnread() {
    setAtEnd(false)
    const at = rows().findIndex(({ kind }) => kind === 'unread')
    requestAnimationFrame(() => {
      list?.scrollToIndex(at, { align: 'start', offset: -aboveLinePx })
      onScroll()
    })
  }

  createEffect(
    on(target.marked, (id) => {
      if (id === undefined) return
      setAtEnd(false)
      const at = rows().findIndex((row) => row.kind === 'message' && row.item.id === id)
      requestAnimationFrame(() => {
        list?.scrollToIndex(at, { align: 'center' })
        setUnreadAbove(isLineUnseen())
        onScroll()
      })
    }),
  )

  async function toUnread() {
    setUnreadAbove(false)
    if (isLineAbove()) await timeline.goTo((readSeq() ?? 0) + 1)
    scrollToUnread()
  }

  /** Further up than somebody looks when they come here by a link. */
  function isLineUnseen(): boolean {
    const at = rows().findIndex(({ kind }) => kind === 'unread')
    return (
      isLineAbove() || (at >= 0 && list !== undefined && list.getItemOffset(at) < list.scrollOffset)
    )
  }

  function onScroll() {
    if (!list) return
    const { scrollOffset, scrollSize, viewportSize } = list
    const left = scrollSize - scrollOffset - viewportSize
    const wentUp = scrollOffset < lastOffset
    lastOffset = scrollOffset
    if (left < atEndPx && !timeline.hasNewer()) setAtEnd(true)
    // Where more came in, somebody is further from the end, and has not left it.
    else if (wentUp || timeline.hasNewer()) setAtEnd(false)
    if (isAtEnd()) setNewInThread(0)
    if (isUnreadAbove()) setUnreadAbove(isLineUnseen())
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

  /** Whoever is at the end stays there: when there is less room, and when what is shown grows. */
  function keepEnd(element: HTMLElement) {
    const observer = new ResizeObserver(() => {
      if (!isAtEnd() || rows().length === 0) return onScroll()
      follow()
      loadMore()
    })
    const view = element.querySelector('.list')
    for (const it of [view, view?.firstElementChild]) if (it) observer.observe(it)
    onCleanup(() => observer.disconnect())
  }

  /** Which message a link has led to, for who does not see the mark. */
  const sentence = () => {
    const marked = target.marked()
    const item = marked && timeline.items().find(({ id }) => id === marked)
    if (!item) return ''
    const { sender, at, text } = item
    const plain = toPlainText(text, maxAnnounced, (user) => chat.people.name(user))
    return t('message.sentence', {
      name: chat.people.name(sender),
      time: timeOf(at),
      text: plain,
    })
  }

  /** Goes from message to message; from the list itself to the last of them that is there. */
  function goTo(step: -1 | 1, place: HTMLElement) {
    const articles = [...place.querySelectorAll<HTMLElement>('article')]
    const at = articles.findIndex((article) => article.contains(document.activeElement))
    const next = at < 0 ? articles.at(-1) : articles[at + step]
    next?.focus()
    return next !== undefined
  }

  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (event.defaultPrevented) return
    const { currentTarget: place, key } = event
    if (key === 'Escape') {
      void toPresent()
      place.closest('.room-main, .panel')?.querySelector<HTMLElement>('textarea')?.focus()
    }
    const step = { ArrowUp: -1, ArrowDown: 1 } as const
    if ((key === 'ArrowUp' || key === 'ArrowDown') && goTo(step[key], place)) event.preventDefault()
  }

  return (
    <div
      class="list-place"
      ref={(element) => {
        createEffect(() => hasList() && keepEnd(element))
      }}
    >
      <Switch>
        <Match when={hasList()}>
          <VList
            ref={(handle) => {
              list = handle
            }}
            class="list"
            bufferSize={aheadPx}
            style={{ display: 'flex', 'flex-direction': 'column' }}
            role="log"
            aria-label={t('message.history', { room: props.title })}
            aria-live="off"
            tabIndex={0}
            data={keys()}
            shift={isPrepended().is}
            onScroll={onScroll}
            onKeyDown={onKey}
          >
            {(key, index) => <Row key={key} row={rows()[index()]} marked={target.marked()} />}
          </VList>
          <Show when={rows().length === 0}>
            <RoomStart />
          </Show>
          <OlderMessages />
          <JumpButtons
            isUnreadAbove={isUnreadAbove()}
            onUnread={() => void toUnread()}
            isEndBelow={!isAtEnd() || timeline.hasNewer()}
            newBelow={newBelow()}
            onEnd={() => void toPresent()}
            isMissing={target.isMissing()}
            onDismiss={target.dismiss}
          />
          <p class="visually-hidden" role="status">
            {sentence()}
          </p>
        </Match>
        <Match when={timeline.status() === 'loading'}>
          <LoadingState />
        </Match>
        <Match when={timeline.status() === 'forbidden'}>
          <p class="list-status">{t('room.forbidden')}</p>
        </Match>
      </Switch>
      <Show when={timeline.status() === 'failed'}>
        <p class="list-status" role="alert">
          {t('room.failed')}
          <button type="button" class="button" onClick={() => void timeline.retry()}>
            {t('login.retry')}
          </button>
        </p>
      </Show>
    </div>
  )
}
