import { isCallError } from '#runtime/client'
import type { RoomId } from '#schema/ids'
import { toNotifyId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'
import { callWithRetry, isTransient, retryDelayMs, retryDelayOf } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import { chainOf, EventChains, unseenEvents } from './eventChains.ts'

export interface FeedOptions {
  client: ChatClient
  room: RoomId
  asOf: number
  /**
   * Called for each event. The events of one thread come in order, and so do the events outside of
   * threads. Events of different threads may come in any order.
   */
  onEvent: (placed: PlacedEvent) => void
  /**
   * Called when missed events cannot be fetched. The caller must then load a new history page, and
   * `restart` the feed after the page's last event.
   */
  onLost: () => void
}

export type RoomFeed = ReturnType<typeof createRoomFeed>
/** `lost` if `chat.sync` cannot return the events, for example because there are too many. */
export type MissedEvents = readonly PlacedEvent[] | 'lost'

/**
 * Two runtimes may publish notices out of order. So after a gap, the feed waits this long for the
 * missing notice before it fetches the missing events by `chat.sync`.
 */
const gapTimeoutMs = 150
/**
 * Maximum random time that is added to `gapTimeoutMs`: all clients in a room may miss the same
 * notice, and should not sync at the same moment.
 */
const gapJitterMs = 350
/**
 * If at most this many events were received since the previous sync, a sync fetches all of them
 * again. So it also finds a missed event that is the last one of its thread: no later notice of the
 * thread shows this gap.
 */
const maxSyncedAgain = 300
/**
 * If more than `maxSyncedAgain` events were received since the previous sync, a sync fetches again
 * only the events that arrived within this time before the newest one.
 */
const overlapMs = 10_000
const noticeTimeoutMs = 2_000
/**
 * For this long after a sync, `sync()` also returns the events of that sync. After a reconnect, a
 * scheduled sync may finish before the reconnect handler calls `sync()`. The handler counts the
 * missed messages, so it needs these events.
 */
const recentSyncMs = 1_000

/**
 * Delivers the events of a room without gaps. Handles one notice or sync at a time, so that a slow
 * request does not reorder events.
 */
export function createRoomFeed({ client, room, asOf, onEvent, onLost }: FeedOptions) {
  let chains = new EventChains(asOf)
  let steps: Promise<unknown> = Promise.resolve()
  let isStopped = false
  /** True after missed events could not be fetched. Notices are then dropped until `restart`. */
  let isLost = false
  let early: Notice[] = []
  let received: { seq: number; at: number }[] = []
  let hasForgotten = false
  const syncedFor = new Set<number>()
  /**
   * `announced` is the sequence number of the newest event whose notice has arrived; `expected` is
   * that of the newest event known to exist.
   */
  let [announced, expected] = [asOf, asOf]
  let mustSync = false
  let queued: Promise<MissedEvents | undefined> | undefined
  let running: Promise<MissedEvents | undefined> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let [dueAt, notBefore] = [0, 0]

  function enqueue<T>(step: () => T | Promise<T>): Promise<T | undefined> {
    const done = steps.then(() => (isStopped ? undefined : step())).catch(onSyncError)
    steps = done
    return done
  }

  async function apply(notice: Notice) {
    if (isLost) return
    const position = chains.classify(notice)
    if (position === 'known') return
    const event = position === 'next' && (notice.event ?? (await readEvent(client, notice)))
    // An earlier event is missing, or `readEvent` failed. The next sync fetches the events.
    if (!event) {
      early.push(notice)
      return syncIn(gapTimeoutMs + Math.random() * gapJitterMs)
    }
    chains.markSeen(notice)
    remember(notice.seq)
    onEvent({ seq: notice.seq, event })
    const waiting = early.sort((a, b) => a.seq - b.seq)
    early = []
    for (const earlier of waiting) await apply(earlier)
  }

  function remember(seq: number) {
    received.push({ seq, at: Date.now() })
    if (received.length <= maxSyncedAgain) return
    received.shift()
    hasForgotten = true
  }

  function syncStart(): number {
    if (!hasForgotten) return chains.asOf
    const from = (received.at(-1)?.at ?? 0) - overlapMs
    const settled = received.find(({ at }) => at >= from)?.seq ?? chains.asOf
    return Math.min(settled, ...early.map(({ threadId }) => chains.lastOf(threadId)))
  }

  function syncIn(ms: number) {
    const at = Math.max(Date.now() + ms, notBefore)
    if (isStopped || (timer && at >= dueAt)) return
    clearTimeout(timer)
    dueAt = at
    timer = setTimeout(() => {
      timer = undefined
      if (mustSync || early.length > 0 || expected > announced) void syncNext()
    }, at - Date.now())
  }

  function syncNext(): Promise<MissedEvents | undefined> {
    queued ??= enqueue(async () => {
      const current = queued
      running = current
      queued = undefined
      return sync().finally(() =>
        setTimeout(() => {
          if (running === current) running = undefined
        }, recentSyncMs),
      )
    })
    return queued
  }

  async function sync(): Promise<MissedEvents> {
    if (isLost) return 'lost'
    clearTimeout(timer)
    timer = undefined
    mustSync = true
    const latest = Math.max(announced, expected)
    const since = syncStart()
    const answer = await callWithRetry(client, 'chat.sync', { room, since })
    mustSync = false
    if (!answer.recovered) return lose()
    const missed = unseenEvents(chains, answer.events)
    for (const placed of missed) {
      chains.markSeen({ seq: placed.seq, ...chainOf(placed.event) })
      onEvent(placed)
    }
    const last = answer.events.at(-1)?.seq ?? 0
    chains.markAllSeen(Math.max(last, since))
    received = received.filter(({ seq }) => seq > chains.asOf)
    hasForgotten = false
    announced = Math.max(announced, latest, last)
    retryEarly()
    return missed
  }

  /**
   * If a lagging replica has answered the sync, its answer may lack events whose notices have
   * arrived. So there is one more sync for these events, but only one.
   */
  function retryEarly() {
    early = early.filter(
      (notice) => chains.classify(notice) !== 'known' && !syncedFor.has(notice.seq),
    )
    for (const { seq } of early) syncedFor.add(seq)
    if (early.length > 0) syncIn(retryDelayMs)
  }

  function lose(): 'lost' {
    isLost = true
    early = []
    syncedFor.clear()
    onLost()
    return 'lost'
  }

  function onSyncError(error: unknown): undefined {
    if (isStopped || isLost) return
    if (!isTransient(error) && !isRateLimited(error)) return void lose()
    const waitMs = retryDelayOf(error)
    mustSync = true
    notBefore = Date.now() + waitMs
    syncIn(waitMs)
  }

  return {
    receive(notice: Notice) {
      announced = Math.max(announced, notice.seq)
      void enqueue(() => apply(notice))
    },
    /** Syncs if the notice of the event `seq` does not arrive within `noticeTimeoutMs`. */
    expect(seq: number) {
      expected = Math.max(expected, seq)
      if (expected > announced) syncIn(noticeTimeoutMs)
    },
    syncSoon() {
      mustSync = true
      syncIn(noticeTimeoutMs)
    },
    /**
     * Fetches and returns missed events. Also returns the events of a sync that is running or has
     * just ended.
     */
    async sync(): Promise<MissedEvents> {
      const [before = [], after = []] = await Promise.all([running, syncNext()])
      return before === 'lost' || after === 'lost' ? 'lost' : [...before, ...after]
    },
    isLost: () => isLost,
    /**
     * Sequence number up to which no event is missing; 0 while there is a gap or the feed is lost.
     */
    completeUpTo: () => (isLost || early.length > 0 ? 0 : chains.newest),
    restart(from: number) {
      void enqueue(() => {
        isLost = false
        received = []
        hasForgotten = false
        chains = new EventChains(from)
        return sync()
      })
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

function isRateLimited(error: unknown): boolean {
  return isCallError(error) && error.code === 'rate_limited'
}

/**
 * Fetches the message or edit that was too large for its notice. Returns undefined if this fails,
 * or for other kinds of events, which only `chat.sync` returns.
 */
async function readEvent(client: ChatClient, notice: Notice): Promise<RoomEvent | undefined> {
  if (notice.notifyId === undefined) return undefined
  const message = await callWithRetry(client, 'msg.get', { notifyId: notice.notifyId }).catch(
    () => undefined,
  )
  if (!message) return undefined
  if (notice.kind === 'message') return { ...message, kind: 'message' }
  if (notice.kind !== 'edit') return undefined
  return {
    kind: 'edit',
    room: message.room,
    by: message.sender,
    at: message.editedAt ?? message.at,
    message: {
      notifyId: toNotifyId(message),
      ...(message.threadId === undefined ? {} : { threadId: message.threadId }),
    },
    text: message.text,
    mentions: message.mentions,
  }
}
