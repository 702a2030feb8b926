import { createEffect, createSignal, Match, on, onCleanup, onMount, Show, Switch } from 'solid-js'
import { VList, type VListHandle } from 'virtua/solid'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { usePlace } from '../shell/createPlace.ts'
import { Icon } from '../shell/Icon.tsx'
import { useConversation } from './createConversation.ts'
import { MessageRow } from './MessageRow.tsx'
import { OutgoingRow } from './OutgoingRow.tsx'
import type { Row } from './rows.ts'

/** How far from the end somebody still counts as being there, in pixels; and from where more is loaded. */
const [atEndPx, loadPx] = [60, 800]

/** What was said, as far as it is on the screen. */
export function MessageList(props: { title: string }) {
  const chat = useChat()
  const { place } = usePlace()
  const { t, tn } = useLanguage()
  const { rows, timeline, room, threadId } = useConversation()
  const [isAtEnd, setAtEnd] = createSignal(true)
  const [isPrepending, setPrepending] = createSignal(false)
  const [newBelow, setNewBelow] = createSignal(0)
  const [marked, setMarked] = createSignal<number>()
  let list: VListHandle | undefined

  function toEnd() {
    // Once what was added has been measured.
    requestAnimationFrame(() => list?.scrollToIndex(rows().length - 1, { align: 'end' }))
    setNewBelow(0)
  }

  async function toPresent() {
    if (timeline.hasNewer()) await timeline.goToPresent()
    toEnd()
  }

  createEffect(
    on(rows, (now, before) => {
      const grew = now.length - (before?.length ?? 0)
      const last = now.at(-1)
      if (grew <= 0 || last === before?.at(-1)) return
      if (!before || before.length === 0) return openAt(now)
      const isOwn =
        last?.is === 'outgoing' || (last?.is === 'message' && last.item.sender === chat.me)
      if (isAtEnd() || isOwn) toEnd()
      else if (!timeline.hasNewer()) setNewBelow((count) => count + grew)
    }),
  )

  /** Where somebody left off, if that is on the page; else the newest. */
  function openAt(now: readonly Row[]) {
    const unread = now.findIndex(({ is }) => is === 'unread')
    if (place().message !== undefined || unread < 0) return toEnd()
    requestAnimationFrame(() => {
      list?.scrollToIndex(unread, { align: 'start', offset: -80 })
      onScroll()
    })
  }

  // A link to a message shows what surrounds it.
  createEffect(
    on(
      () => (threadId === undefined ? place().message : undefined),
      async (seq) => {
        if (seq === undefined) return
        if (!timeline.items().some((item) => item.seq === seq)) await timeline.goTo(seq)
        const at = rows().findIndex((row) => row.is === 'message' && row.item.seq === seq)
        requestAnimationFrame(() => list?.scrollToIndex(at, { align: 'center' }))
        setMarked(seq)
      },
    ),
  )

  function onScroll() {
    if (!list) return
    const { scrollOffset, scrollSize, viewportSize } = list
    const left = scrollSize - scrollOffset - viewportSize
    setAtEnd(left < atEndPx && !timeline.hasNewer())
    if (isAtEnd()) setNewBelow(0)
    if (scrollOffset < loadPx && timeline.hasOlder()) void loadOlder()
    if (left < loadPx && timeline.hasNewer()) void timeline.loadNewer()
    noteRead()
  }

  async function loadOlder() {
    if (isPrepending()) return
    // The list keeps its place from the end while it grows at the beginning.
    setPrepending(true)
    await timeline.loadOlder().catch(() => undefined)
    requestAnimationFrame(() => setPrepending(false))
  }

  /** What is on the screen, of a page that somebody looks at, has been read. */
  function noteRead() {
    if (!list || threadId !== undefined || !document.hasFocus()) return
    const end = list.findItemIndex(list.scrollOffset + list.viewportSize - 1)
    for (let at = Math.min(end, rows().length - 1); at >= 0; at--) {
      const row = rows()[at]
      if (row?.is !== 'message') continue
      const isLast = row.item === timeline.items().at(-1) && !timeline.hasNewer()
      const { lastSeq = 0 } = chat.rooms.byId[room.id] ?? {}
      return chat.rooms.markRead(room.id, isLast ? Math.max(row.item.seq, lastSeq) : row.item.seq)
    }
  }

  createEffect(on(rows, () => requestAnimationFrame(noteRead)))
  onMount(() => {
    window.addEventListener('focus', noteRead)
    onCleanup(() => window.removeEventListener('focus', noteRead))
  })

  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !event.defaultPrevented) void toPresent()
  }

  return (
    <div class="list-place">
      <Switch>
        <Match when={timeline.status() === 'loading'}>
          <p class="list-status" role="status">
            {t('room.loading')}
          </p>
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
            role="log"
            aria-label={t('message.history', { room: props.title })}
            aria-live="polite"
            tabIndex={0}
            data={rows()}
            shift={isPrepending()}
            onScroll={onScroll}
            onKeyDown={onKey}
          >
            {(row) => <AnyRow row={row} marked={marked()} />}
          </VList>
          <Show when={rows().length === 0}>
            <p class="list-start">{t('room.start', { room: props.title })}</p>
          </Show>
          <Show when={!isAtEnd() || timeline.hasNewer()}>
            <button type="button" class="to-end" onClick={() => void toPresent()}>
              <Icon name="down" />
              {newBelow() > 0 ? tn('message.newBelow', newBelow()) : t('message.jump')}
            </button>
          </Show>
        </Match>
      </Switch>
    </div>
  )
}

function AnyRow(props: { row: Row; marked: number | undefined }) {
  const { t, dayOf } = useLanguage()
  const { row } = props
  switch (row.is) {
    case 'day':
      return (
        <div class="line">
          <span>{dayOf(row.at)}</span>
        </div>
      )
    case 'unread':
      return (
        <div class="line is-new">
          <span>{t('message.unreadLine')}</span>
        </div>
      )
    case 'message':
      return (
        <MessageRow
          item={row.item}
          isFirst={row.isFirst}
          isMarked={props.marked === row.item.seq}
        />
      )
    case 'outgoing':
      return <OutgoingRow outgoing={row.outgoing} isFirst={row.isFirst} />
  }
}
