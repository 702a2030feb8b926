import {
  createEffect,
  createMemo,
  createSignal,
  For,
  Match,
  on,
  onCleanup,
  onMount,
  Show,
  Switch,
} from 'solid-js'
import { VList, type VListHandle } from 'virtua/solid'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../shell/Avatar.tsx'
import { Icon } from '../shell/Icon.tsx'
import { toPlainText } from '../text/plain.ts'
import { AnyRow } from './AnyRow.tsx'
import { useConversation } from './createConversation.ts'
import { createTarget } from './createTarget.ts'
import { Jumps } from './Jumps.tsx'
import type { Row } from './rows.ts'

/** How far from the end somebody still counts as being there, in pixels; and from where more is loaded. */
const [atEndPx, loadPx] = [60, 800]
/** So much more than is seen is drawn: whoever scrolls further in a frame sees what is seen being moved. */
const aheadPx = 600
/** So much of a message is said where one goes. */
const mostSaid = 300

/** What was said, as far as it is on the screen. */
export function MessageList(props: { title: string }) {
  const chat = useChat()
  const { t, timeOf } = useLanguage()
  const conversation = useConversation()
  const { rows, timeline, room, threadId, readSeq, isLineAbove } = conversation
  const target = createTarget(chat, conversation)
  // What is drawn goes by its key, and so stays there, with the focus, when a message changes.
  const keys = createMemo(() => rows().map(({ key }) => key))
  const [isAtEnd, setAtEnd] = createSignal(true)
  const [newInThread, setNewInThread] = createSignal(0)
  const [isUnreadAbove, setUnreadAbove] = createSignal(false)
  let list: VListHandle | undefined
  let lastOffset = 0

  function toEnd() {
    // Once what was added has been measured.
    requestAnimationFrame(() => list?.scrollToIndex(rows().length - 1, { align: 'end' }))
    setNewInThread(0)
  }

  async function toPresent() {
    if (timeline.hasNewer()) await timeline.goToPresent()
    toEnd()
  }

  // Where rows came before those that were there, the list keeps its place from the end.
  const isPrepended = createMemo<{ first?: string | undefined; is: boolean }>(
    ({ first: before }) => {
      const first = rows().find(({ is }) => is === 'message')?.key
      return { first, is: first !== before && rows().some(({ key }) => key === before) }
    },
    { is: false },
  )

  // In a room the server counts what is unread; threads have no count of their own.
  const newBelow = () =>
    threadId === undefined ? (chat.rooms.byId[room.id]?.unread ?? 0) : newInThread()

  createEffect(
    on([rows, timeline.opened], ([now, opened], earlier) => {
      const [before = [], openedBefore = 0] = earlier ?? []
      const grew = now.length - before.length
      const last = now.at(-1)
      if (opened !== openedBefore || before.length === 0) return openAt(now)
      if (grew <= 0 || last === before.at(-1)) return
      const isOwn =
        last?.is === 'outgoing' || (last?.is === 'message' && last.item.sender === chat.me)
      if (isAtEnd() || isOwn) toEnd()
      else if (!timeline.hasNewer()) setNewInThread((count) => count + grew)
    }),
  )

  /** Where a link leads, else where somebody left off, else the newest. */
  function openAt(now: readonly Row[]) {
    if (target.isWanted()) return void setAtEnd(false)
    if (now.some(({ is }) => is === 'unread')) scrollToUnread()
    else toEnd()
  }

  function scrollToUnread() {
    setAtEnd(false)
    const at = rows().findIndex(({ is }) => is === 'unread')
    requestAnimationFrame(() => {
      list?.scrollToIndex(at, { align: 'start', offset: -80 })
      onScroll()
    })
  }

  createEffect(
    on(target.marked, (id) => {
      if (id === undefined) return
      setAtEnd(false)
      const at = rows().findIndex((row) => row.is === 'message' && row.item.id === id)
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
    const at = rows().findIndex(({ is }) => is === 'unread')
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
    if (scrollOffset < loadPx && timeline.hasOlder()) void timeline.loadOlder()
    if (left < loadPx && timeline.hasNewer()) void timeline.loadNewer()
    noteRead()
  }

  /** What is on the screen, of a page that somebody looks at, has been read. */
  function noteRead() {
    if (!list || threadId !== undefined || !document.hasFocus()) return
    // What was kept is not the newest that the room has.
    if (timeline.opened() === 0) return
    // Not measured yet: nothing is seen before.
    if (list.viewportSize === 0) return void requestAnimationFrame(noteRead)
    const end = list.findItemIndex(list.scrollOffset + list.viewportSize - 1)
    for (let at = Math.min(end, rows().length - 1); at >= 0; at--) {
      const row = rows()[at]
      if (row?.is !== 'message') continue
      const isLast = row.item === timeline.items().at(-1) && !timeline.hasNewer()
      const { lastSeq = 0 } = chat.rooms.byId[room.id] ?? {}
      return chat.rooms.markRead(room.id, isLast ? Math.max(row.item.seq, lastSeq) : row.item.seq)
    }
  }

  /** Whoever is at the end stays there: when there is less room, and when what is shown grows. */
  function keepEnd(element: HTMLElement) {
    const observer = new ResizeObserver(() => {
      if (isAtEnd() && rows().length > 0) toEnd()
      else onScroll()
    })
    const view = element.querySelector('.list')
    for (const it of [view, view?.firstElementChild]) if (it) observer.observe(it)
    onCleanup(() => observer.disconnect())
  }

  createEffect(on(rows, () => requestAnimationFrame(noteRead)))
  onMount(() => {
    window.addEventListener('focus', noteRead)
    onCleanup(() => window.removeEventListener('focus', noteRead))
  })

  /** Which message a link has led to, for who does not see the mark. */
  const sentence = () => {
    const marked = target.marked()
    const item = marked && timeline.items().find(({ id }) => id === marked)
    if (!item) return ''
    const { sender, at, text } = item
    const plain = toPlainText(text, mostSaid, (user) => chat.people.name(user))
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
        createEffect(() => timeline.status() === 'ready' && keepEnd(element))
      }}
    >
      <Switch>
        <Match when={timeline.status() === 'loading'}>
          <Waiting />
        </Match>
        <Match when={timeline.status() === 'forbidden'}>
          <p class="list-status">{t('room.forbidden')}</p>
        </Match>
        <Match when={timeline.status() === 'failed'}>
          <p class="list-status" role="alert">
            {t('room.failed')}
            <button type="button" class="button" onClick={() => void timeline.retry()}>
              {t('login.retry')}
            </button>
          </p>
        </Match>
        <Match when={timeline.status() === 'ready'}>
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
            {(key, index) => <AnyRow key={key} row={rows()[index()]} marked={target.marked()} />}
          </VList>
          <Show when={rows().length === 0}>
            <ListStart title={props.title} />
          </Show>
          <Jumps
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
      </Switch>
    </div>
  )
}

/** Where nothing has been said yet. */
function ListStart(props: { title: string }) {
  const chat = useChat()
  const { t } = useLanguage()
  const { room, threadId } = useConversation()
  const icon = () => (threadId !== undefined ? 'thread' : room.kind === 'private' ? 'lock' : 'hash')
  const text = () => {
    if (threadId !== undefined) return t('thread.start')
    if (room.with === undefined) return t('room.start', { room: props.title })
    return room.with === chat.me
      ? t('room.startAlone')
      : t('room.startDirect', { name: props.title })
  }
  return (
    <div class="list-start">
      <Show when={threadId === undefined && room.with} fallback={<Icon name={icon()} />}>
        {(user) => <Avatar user={user()} />}
      </Show>
      <p>{text()}</p>
    </div>
  )
}

/** In the place of what is about to be there. */
function Waiting() {
  const { t } = useLanguage()
  return (
    <div class="waiting">
      <p class="visually-hidden" role="status">
        {t('room.loading')}
      </p>
      <For each={[1, 2, 3, 4, 5]}>
        {() => (
          <div class="waiting-row" aria-hidden="true">
            <span class="skeleton" />
            <span class="waiting-text">
              <span class="skeleton" />
              <span class="skeleton" />
              <span class="skeleton" />
            </span>
          </div>
        )}
      </For>
    </div>
  )
}
