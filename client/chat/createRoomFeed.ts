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
  /** Sequence number of the last event that is already known. */
  asOf: number
  /** Called once for each event, in the order of its chain. */
  onEvent: (placed: PlacedEvent) => void
  /** Missed events cannot be fetched: the owner reads a snapshot and calls `restart` with its `asOf`. */
  onLost: () => void
}

export type RoomFeed = ReturnType<typeof createRoomFeed>
/** The missed events; `lost` when there are too many to fetch. */
export type MissedEvents = readonly PlacedEvent[] | 'lost'

/** Two runtimes may publish out of order: wait this long for a predecessor before fetching it. */
const gapTimeoutMs = 150
/** Time for the notice of a known event to arrive before it counts as lost. */
const noticeTimeoutMs = 2_000
/** A sync that waited for the connection may finish before the reconnect is announced. */
const recentSyncMs = 1_000

/**
 * The events of a room without gaps: from notices, and fetched with `chat.sync` where a notice is
 * missing. Steps run one after another, so that a slow request does not reorder events.
 */
export function createRoomFeed({ client, room, asOf, onEvent, onLost }: FeedOptions) {
  let chains = new EventChains(asOf)
  let steps: Promise<unknown> = Promise.resolve()
  let isStopped = false
  /** Drops all notices until `restart`. */
  let isLost = false
  let early: Notice[] = []
  /** Sequence numbers of early notices whose predecessors one sync has not returned. */
  const syncedFor = new Set<number>()
  /** The last event with a notice, and the last event known to exist. */
  let [announced, expected] = [asOf, asOf]
  /** Sync even if there is no known gap. */
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
    // An early notice, or one whose event cannot be read alone: sync fetches it with the missing ones.
    if (!event) {
      early.push(notice)
      return syncIn(gapTimeoutMs)
    }
    chains.markSeen(notice)
    onEvent({ seq: notice.seq, event })
    const waiting = early.sort((a, b) => a.seq - b.seq)
    early = []
    for (const earlier of waiting) await apply(earlier)
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

  /** Callers share a sync that has not started yet. */
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
    const answer = await callWithRetry(client, 'chat.sync', { room, since: chains.asOf })
    mustSync = false
    if (!answer.recovered) return lose()
    const missed = unseenEvents(chains, answer.events)
    for (const placed of missed) {
      chains.markSeen({ seq: placed.seq, ...chainOf(placed.event) })
      onEvent(placed)
    }
    const last = answer.events.at(-1)?.seq ?? 0
    chains.markAllSeen(last)
    announced = Math.max(announced, latest, last)
    retryEarly()
    return missed
  }

  /** The replica that answered may lag behind the notices: syncs once more for each. */
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

  /** Retries after a transient error; any other error loses the feed. */
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
    /** Registers an event that exists: syncs if its notice does not arrive in time. */
    expect(seq: number) {
      expected = Math.max(expected, seq)
      if (expected > announced) syncIn(noticeTimeoutMs)
    },
    /** Syncs soon: notices may be missing. */
    syncSoon() {
      mustSync = true
      syncIn(noticeTimeoutMs)
    },
    /** Returns the missed events, including those of a sync that is running or has just finished. */
    async sync(): Promise<MissedEvents> {
      const [before = [], after = []] = await Promise.all([running, syncNext()])
      return before === 'lost' || after === 'lost' ? 'lost' : [...before, ...after]
    },
    isLost: () => isLost,
    /** Sequence number up to which all events of the room and its threads are known; 0 with a gap. */
    completeUpTo: () => (isLost || early.length > 0 ? 0 : chains.newest),
    /** Continues after a snapshot: all events up to this one are known, later ones are fetched. */
    restart(from: number) {
      void enqueue(() => {
        isLost = false
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

/** Reads an event that was too large for its notice; undefined if it cannot be read alone. */
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
