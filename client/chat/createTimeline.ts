import { batch, createSignal, onCleanup } from 'solid-js'
import { isCallError } from '#runtime/client'
import type { MessageId, RoomId } from '#schema/ids'
import type { Notice, Placed } from '#schema/messages/log'
import { ask } from './ask.ts'
import type { ChatClient } from './createConnection.ts'
import { createFeed, type Feed } from './createFeed.ts'
import { apply, extend, createTimeline as fromPage, type Page, type Timeline } from './timeline.ts'

export type TimelineStatus = 'loading' | 'ready' | 'forbidden' | 'failed'

export type RoomTimeline = ReturnType<typeof createTimeline>

export interface TimelineOptions {
  client: ChatClient
  room: RoomId
  threadId?: MessageId
  /** What was kept of it, to be shown until the room has answered. */
  kept?: Page | undefined
  /** Around which event it opens, not at its newest; `later` when that is yet to be found out. */
  start?: number | 'later' | undefined
  onEvent?: (placed: Placed) => void
}

const pageSize = 50
/** So long after a page could not be read it is asked for again. */
const againMs = 5_000
const nothing: Page = { messages: [], before: false, after: false, asOf: 0 }

/** What is said in a room or a thread, kept up to date until its owner is disposed of. */
export function createTimeline({ client, room, threadId, kept, start, onEvent }: TimelineOptions) {
  const [status, setStatus] = createSignal<TimelineStatus>(kept ? 'ready' : 'loading')
  const [timeline, setTimeline] = createSignal<Timeline>(fromPage(kept ?? nothing, threadId))
  let feed: Feed | undefined
  /** What is told before the first page is there. */
  let early: Notice[] = []
  const loading = new Set<'older' | 'newer'>()
  /** How often a page was opened: who asked last is shown. */
  const [opened, setOpened] = createSignal(0)
  let asked = 0
  let isClosed = false
  let later: ReturnType<typeof setTimeout> | undefined

  onCleanup(() => {
    isClosed = true
    clearTimeout(later)
    feed?.stop()
  })
  if (start !== 'later') void open(start)

  function read(place: { before?: number; after?: number; around?: number }): Promise<Page> {
    const input = { room, limit: pageSize, ...place }
    return threadId === undefined
      ? ask(client, 'chat.history', input)
      : ask(client, 'chat.history.thread', { ...input, threadId })
  }

  /** Shows the newest page, or the one around an event. */
  async function open(around?: number): Promise<void> {
    const turn = ++asked
    clearTimeout(later)
    try {
      const page = await read(around === undefined ? {} : { around })
      if (turn !== asked) return
      batch(() => {
        setTimeline(fromPage(page, threadId))
        setOpened(turn)
        setStatus('ready')
      })
      begin(page.asOf)
    } catch (error) {
      if (turn !== asked || isClosed) return
      if (isCallError(error) && error.code === 'forbidden') return void setStatus('forbidden')
      if (timeline().items.length === 0) setStatus('failed')
      later = setTimeout(() => void open(around), againMs)
    }
  }

  function begin(asOf: number) {
    if (feed) return feed.restart(asOf)
    feed = createFeed({
      client,
      room,
      asOf,
      onEvent(placed) {
        setTimeline((before) => apply(before, placed))
        onEvent?.(placed)
      },
      onLost: () => void open(),
    })
    for (const notice of early) feed.hear(notice)
    early = []
  }

  async function load(side: 'older' | 'newer'): Promise<void> {
    const { items, hasOlder, hasNewer } = timeline()
    const edge = side === 'older' ? items[0] : items.at(-1)
    if (!edge || !(side === 'older' ? hasOlder : hasNewer) || loading.has(side)) return
    loading.add(side)
    try {
      const page = await read(side === 'older' ? { before: edge.seq } : { after: edge.seq })
      // Meanwhile another part of the room may have been opened.
      if (timeline().items.includes(edge)) setTimeline((before) => extend(before, page, side))
    } finally {
      loading.delete(side)
    }
  }

  return {
    status,
    /** Another number whenever there is another page to be looked at from its start. */
    opened,
    items: () => timeline().items,
    hasOlder: () => timeline().hasOlder,
    hasNewer: () => timeline().hasNewer,
    loadOlder: () => load('older'),
    loadNewer: () => load('newer'),
    /** Shows what surrounds an event. */
    goTo: (seq: number) => open(seq),
    /** Shows the newest messages. */
    goToPresent: () => open(),
    hear(notice: Notice) {
      if (feed) feed.hear(notice)
      else early.push(notice)
    },
    /** Asks for what was missed, and answers with it. */
    sync: async (): Promise<readonly Placed[]> => (await feed?.sync()) ?? [],
    retry: () => {
      setStatus('loading')
      return open()
    },
  }
}
