import { batch, createEffect, createSignal, on, onCleanup } from 'solid-js'
import { isCallError } from '#runtime/client'
import type { MessageId, RoomId } from '#schema/ids'
import type { PlacedEvent } from '#schema/messages/event'
import { callWithRetry, retryDelayMs, retryDelayOf } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import { createPaging } from './createPaging.ts'
import { createRoomEvents } from './createRoomEvents.ts'
import type { MissedEvents } from './createRoomFeed.ts'
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
  cachedPage?: HistoryPage | undefined
  /**
   * Sequence number at which the timeline opens; by default, that of the newest message. With `later`,
   * the timeline opens only when `goTo` or `goToPresent` is called.
   */
  start?: number | 'later' | undefined
  restartAt?: () => number | undefined
  /** Sequence number of the newest event, as known from other sources such as the room list. */
  lastSeq?: () => number
  onEvent?: (placed: PlacedEvent) => void
}

type Cursor = { before?: number; after?: number; around?: number }

const pageSize = 50
const emptyPage: HistoryPage = { messages: [], before: false, after: false, asOf: 0 }

export function createTimeline(options: TimelineOptions) {
  const { threadId, cachedPage, start, restartAt, lastSeq = () => 0, onEvent } = options
  const [status, setStatus] = createSignal<TimelineStatus>(cachedPage ? 'ready' : 'loading')
  const [timeline, setTimeline] = createSignal<Timeline>(
    timelineFromPage(cachedPage ?? emptyPage, threadId),
  )
  const [opened, setOpened] = createSignal(0)
  /**
   * Counts the calls of `open`. A call that is still running when the next one starts has no
   * effect.
   */
  let turns = 0
  let isClosed = false
  let lostAt = 0
  let retry: { timer: ReturnType<typeof setTimeout>; around: number | undefined } | undefined

  const events = createRoomEvents({
    ...options,
    onEvent(placed) {
      setTimeline((before) => applyEvent(before, placed))
      onEvent?.(placed)
    },
    // A busy room may repeatedly have more new events than one sync returns. Each time, the
    // timeline is reopened, but at most once per `retryDelayMs`.
    onLost() {
      const waitMs = Math.max(0, lostAt + retryDelayMs - Date.now())
      lostAt = Date.now() + waitMs
      openIn(waitMs, restartAt?.())
    },
  })
  const paging = createPaging({
    timeline,
    opened,
    read: (cursor) => readPage(options, cursor),
    onPage(page, side) {
      // If the feed has missed events that cannot be fetched, only `open` may restart it, because
      // it replaces the timeline. A restart after this page would leave a gap in the timeline.
      if (!events.isLost()) events.follow(page.asOf)
      setTimeline((before) => events.catchUp(extendTimeline(before, page, side), page.asOf))
    },
  })
  createEffect(on(lastSeq, (seq) => events.expect(seq)))
  onCleanup(() => {
    isClosed = true
    clearTimeout(retry?.timer)
  })
  if (start !== 'later') void open(start)

  /** Returns false if the request failed and will be retried. */
  async function open(around?: number): Promise<boolean> {
    const turn = ++turns
    clearTimeout(retry?.timer)
    retry = undefined
    try {
      const page = await readPage(options, around === undefined ? {} : { around })
      if (turn !== turns || isClosed) return true
      events.follow(page.asOf)
      batch(() => {
        setTimeline(events.catchUp(timelineFromPage(page, threadId), page.asOf))
        setOpened(turn)
        paging.clearFailures()
        setStatus('ready')
      })
      return true
    } catch (error) {
      const isForbidden = isCallError(error) && error.code === 'forbidden'
      if (turn !== turns || isClosed) return true
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
    clearTimeout(retry?.timer)
    retry = { timer: setTimeout(() => void open(around), ms), around }
  }

  return {
    status,
    /**
     * A number that changes whenever another history page replaces the timeline; 0 until the server has
     * responded with the first page.
     */
    opened,
    items: () => timeline().items,
    hasOlder: () => timeline().hasOlder,
    hasNewer: () => timeline().hasNewer,
    completeUpTo: events.completeUpTo,
    loadOlder: () => void (paging.hasFailed('older') || paging.load('older')),
    loadNewer: () => void (paging.hasFailed('newer') || paging.load('newer')),
    isLoadingOlder: () => paging.isLoading('older'),
    hasFailedOlder: () => paging.hasFailed('older'),
    retryOlder: () => void paging.load('older'),
    showCached(page: HistoryPage) {
      if (opened() > 0 || status() !== 'loading') return
      batch(() => {
        setTimeline(timelineFromPage(page, threadId))
        setStatus('ready')
      })
    },
    goTo: (seq: number) => open(seq),
    goToPresent: () => open(),
    receive: events.receive,
    async sync(): Promise<MissedEvents> {
      if (retry) void open(retry.around)
      paging.retry()
      return events.sync()
    },
    expect: events.expect,
    retry: () => {
      setStatus('loading')
      return open()
    },
  }
}

function readPage({ client, room, threadId }: TimelineOptions, cursor: Cursor) {
  const input = { room, limit: pageSize, ...cursor }
  return threadId === undefined
    ? callWithRetry(client, 'chat.history', input)
    : callWithRetry(client, 'chat.history.thread', { ...input, threadId })
}
