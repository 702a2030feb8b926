import { batch, createEffect, createSignal, on, onCleanup, type Setter } from 'solid-js'
import { isCallError } from '#runtime/client'
import type { MessageId, RoomId } from '#schema/ids'
import type { Notice, PlacedEvent } from '#schema/messages/event'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import { createRoomFeed, type MissedEvents, type RoomFeed } from './createRoomFeed.ts'
import { RecentEvents } from './recentEvents.ts'
import {
  applyEvent,
  extendTimeline,
  type HistoryPage,
  type Timeline,
  timelineFromPage,
} from './timeline.ts'

export type TimelineStatus = 'loading' | 'ready' | 'forbidden' | 'failed'

export type RoomTimeline = ReturnType<typeof createTimeline>

export interface TimelineOptions {
  client: ChatClient
  room: RoomId
  threadId?: MessageId
  /** What was kept of it, to be shown until the room has answered. */
  cachedPage?: HistoryPage | undefined
  /** Around which event it opens, not at its newest; `later` when that is yet to be found out. */
  start?: number | 'later' | undefined
  /** The same when so much was missed that it is opened anew. */
  restartAt?: () => number | undefined
  /** The last event that the room is known to have. */
  lastSeq?: () => number
  onEvent?: (placed: PlacedEvent) => void
}

type Side = 'older' | 'newer'
type Sides = Partial<Record<Side, boolean>>

const sides = ['older', 'newer'] as const
const pageSize = 50
/** So long after a page could not be read it is asked for again. */
const retryDelayMs = 5_000
const emptyTimeline: HistoryPage = { messages: [], before: false, after: false, asOf: 0 }

/** What is said in a room or a thread, kept up to date until its owner is disposed of. */
export function createTimeline(options: TimelineOptions) {
  const {
    client,
    room,
    threadId,
    cachedPage,
    start,
    restartAt,
    lastSeq = () => 0,
    onEvent,
  } = options
  const [status, setStatus] = createSignal<TimelineStatus>(cachedPage ? 'ready' : 'loading')
  const [timeline, setTimeline] = createSignal<Timeline>(
    timelineFromPage(cachedPage ?? emptyTimeline, threadId),
  )
  let feed: RoomFeed | undefined
  let recent = new RecentEvents(0)
  /** What is told before the first page is there. */
  let early: Notice[] = []
  const [loading, setLoading] = createSignal<Sides>({})
  const [failed, setFailed] = createSignal<Sides>({})
  /** How often a page was opened: who asked last is shown. */
  const [opened, setOpened] = createSignal(0)
  let asked = 0
  let isClosed = false
  let lostAt = 0
  /** What is opened as soon as that may help. */
  let next: { timer: ReturnType<typeof setTimeout>; around: number | undefined } | undefined
  const retries = new Set<ReturnType<typeof setTimeout>>()

  createEffect(on(lastSeq, (seq) => feed?.expect(seq)))
  onCleanup(() => {
    isClosed = true
    clearTimeout(next?.timer)
    for (const retry of retries) clearTimeout(retry)
    feed?.stop()
  })
  if (start !== 'later') void open(start)

  function read(place: { before?: number; after?: number; around?: number }): Promise<HistoryPage> {
    const input = { room, limit: pageSize, ...place }
    return threadId === undefined
      ? callWithRetry(client, 'chat.history', input)
      : callWithRetry(client, 'chat.history.thread', { ...input, threadId })
  }

  /** Shows the newest page, or the one around an event; false where that is yet to be tried again. */
  async function open(around?: number): Promise<boolean> {
    const turn = ++asked
    clearTimeout(next?.timer)
    next = undefined
    try {
      const page = await read(around === undefined ? {} : { around })
      if (turn !== asked || isClosed) return true
      follow(page.asOf)
      batch(() => {
        setTimeline(catchUp(timelineFromPage(page, threadId), page))
        setOpened(turn)
        setFailed({})
        setStatus('ready')
      })
      return true
    } catch (error) {
      const isForbidden = isCallError(error) && error.code === 'forbidden'
      if (turn !== asked || isClosed) return true
      if (isForbidden) {
        setStatus('forbidden')
        return true
      }
      if (timeline().items.length === 0) setStatus('failed')
      openIn(retryDelayOf(error), around)
      return false
    }
  }

  function openIn(ms: number, around?: number) {
    clearTimeout(next?.timer)
    next = { timer: setTimeout(() => void open(around), ms), around }
  }

  /** Hears what happens after a page was read, and again what happened since where that is not here. */
  function follow(asOf: number) {
    if (feed)
      return feed.isLost() || !recent.isCompleteAfter(asOf) ? hearAgain(feed, asOf) : undefined
    recent = new RecentEvents(asOf)
    feed = createRoomFeed({
      client,
      room,
      asOf,
      onEvent(placed) {
        recent.add(placed)
        setTimeline((before) => applyEvent(before, placed))
        onEvent?.(placed)
      },
      // Once at once; then the room has too much that cannot be read yet.
      onLost() {
        const waitMs = Math.max(0, lostAt + retryDelayMs - Date.now())
        lostAt = Date.now() + waitMs
        openIn(waitMs, restartAt?.())
      },
    })
    for (const notice of early) feed.hear(notice)
    early = []
    // What was told before anybody listened may not have been where the page is from.
    feed.doubt()
  }

  function hearAgain(from: RoomFeed, asOf: number) {
    recent.restart(asOf)
    from.restart(asOf)
  }

  /** With what has happened meanwhile, or before, where a page does not have it yet. */
  function catchUp(shown: Timeline, { asOf }: HistoryPage): Timeline {
    return recent.after(asOf).reduce(applyEvent, shown)
  }

  async function load(side: Side): Promise<void> {
    const { items, hasOlder, hasNewer } = timeline()
    const edge = side === 'older' ? items[0] : items.at(-1)
    if (!edge || !(side === 'older' ? hasOlder : hasNewer) || loading()[side]) return
    const turn = opened()
    // With what was kept there is no room yet to be asked.
    if (turn === 0) return
    mark(setLoading, side, true)
    mark(setFailed, side, false)
    try {
      const page = await read(side === 'older' ? { before: edge.seq } : { after: edge.seq })
      // Meanwhile another part of the room may have been opened.
      if (turn !== opened() || isClosed) return
      // What is lost is about to be read anew with all the rest.
      if (!feed?.isLost()) follow(page.asOf)
      setTimeline((before) => catchUp(extendTimeline(before, page, side), page))
    } catch (error) {
      if (turn !== opened() || isClosed) return
      mark(setFailed, side, true)
      const retry = setTimeout(() => {
        retries.delete(retry)
        if (failed()[side]) void load(side)
      }, retryDelayOf(error))
      retries.add(retry)
    } finally {
      mark(setLoading, side, false)
    }
  }

  return {
    status,
    /** Another number whenever there is another page to be looked at from its start. */
    opened,
    items: () => timeline().items,
    hasOlder: () => timeline().hasOlder,
    hasNewer: () => timeline().hasNewer,
    /** The last event of the room that is known here, in whichever thread; 0 where some are missing. */
    knownTo: () => feed?.knownTo() ?? 0,
    /** Nothing where it is loading already, or has failed and is going to be tried again. */
    loadOlder: () => void (failed().older || load('older')),
    loadNewer: () => void (failed().newer || load('newer')),
    isLoadingOlder: () => loading().older === true,
    hasFailedOlder: () => failed().older === true,
    retryOlder: () => void load('older'),
    /** Shows what was kept, as long as the room has not answered. */
    show(page: HistoryPage) {
      if (opened() > 0 || status() !== 'loading') return
      batch(() => {
        setTimeline(timelineFromPage(page, threadId))
        setStatus('ready')
      })
    },
    /** Shows what surrounds an event. */
    goTo: (seq: number) => open(seq),
    /** Shows the newest messages. */
    goToPresent: () => open(),
    hear(notice: Notice) {
      if (feed) feed.hear(notice)
      else early.push(notice)
    },
    /** Asks for what was missed, and answers with it. */
    async sync(): Promise<MissedEvents> {
      if (next) void open(next.around)
      for (const side of sides) if (failed()[side]) void load(side)
      return feed ? feed.sync() : []
    },
    /** There is an event of that number: it is going to be told of, or asked for. */
    expect: (seq: number) => feed?.expect(seq),
    retry: () => {
      setStatus('loading')
      return open()
    },
  }
}

function mark(set: Setter<Sides>, side: Side, is: boolean) {
  set((before) => ({ ...before, [side]: is }))
}

/** When it may be tried again. */
function retryDelayOf(error: unknown): number {
  return (isCallError(error) && error.retryAfterMs) || retryDelayMs
}
