import { isCallError } from '#runtime/client'
import type { RoomId } from '#schema/ids'
import { toNotifyId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'
import { callWithRetry, isTransient } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import { chainOf, EventChains, unseenEvents } from './eventChains.ts'

export interface FeedOptions {
  client: ChatClient
  room: RoomId
  /** What is known of the room already: all up to this event. */
  asOf: number
  /** Given each event once, in the order of its chain. */
  onEvent: (placed: PlacedEvent) => void
  /** What was missed cannot be had: everything must be read anew, and `restart` told as of when. */
  onLost: () => void
}

export type RoomFeed = ReturnType<typeof createRoomFeed>
/** What had been missed; or that it is so much that it is read anew. */
export type MissedEvents = readonly PlacedEvent[] | 'lost'

/**
 * What two runtimes tell at the same moment may come the wrong way round. So long something that came
 * too early waits for what was before it; then that is asked for.
 */
const gapTimeoutMs = 150
/** So long what a room is known to have had may be on its way still. */
const lateMs = 2_000
/** What waited for the connection may be answered before anybody is told that it is back. */
const recentMs = 1_000
/** So long after it could not be asked for it is asked for again. */
const retryDelayMs = 5_000

/**
 * What happens in a room, without a gap: what is told, and where something is missing, what the room
 * says it was. Steps wait for each other, so that a slow one changes no order.
 */
export function createRoomFeed({ client, room, asOf, onEvent, onLost }: FeedOptions) {
  let chains = new EventChains(asOf)
  let steps: Promise<unknown> = Promise.resolve()
  let isStopped = false
  /** Nothing is taken in until everything is read anew. */
  let isLost = false
  let early: Notice[] = []
  /** What came too early, and was not among what was missed either. */
  const asked = new Set<number>()
  /** The last event that was told of, and the last that there is known to be. */
  let [told, expected] = [asOf, asOf]
  /** Whatever was told, it must be asked whether that is all. */
  let isInDoubt = false
  let waiting: Promise<MissedEvents | undefined> | undefined
  let running: Promise<MissedEvents | undefined> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let [dueAt, notBefore] = [0, 0]

  function enqueue<T>(step: () => T | Promise<T>): Promise<T | undefined> {
    const done = steps.then(() => (isStopped ? undefined : step())).catch(onRefused)
    steps = done
    return done
  }

  async function take(notice: Notice) {
    if (isLost) return
    const verdict = chains.classify(notice)
    if (verdict === 'known') return
    const event = verdict === 'next' && (notice.event ?? (await readEvent(client, notice)))
    // What came too early, or cannot be read by itself, is asked for with all that is missing.
    if (!event) {
      early.push(notice)
      return syncIn(gapTimeoutMs)
    }
    chains.markSeen(notice)
    onEvent({ seq: notice.seq, event })
    const next = early.sort((a, b) => a.seq - b.seq)
    early = []
    for (const one of next) await take(one)
  }

  function syncIn(ms: number) {
    const at = Math.max(Date.now() + ms, notBefore)
    if (isStopped || (timer && at >= dueAt)) return
    clearTimeout(timer)
    dueAt = at
    timer = setTimeout(() => {
      timer = undefined
      if (isInDoubt || early.length > 0 || expected > told) void syncNext()
    }, at - Date.now())
  }

  /** Whoever asks while another one waits for its turn waits for the same. */
  function syncNext(): Promise<MissedEvents | undefined> {
    waiting ??= enqueue(async () => {
      const it = waiting
      running = it
      waiting = undefined
      return sync().finally(() =>
        setTimeout(() => {
          if (running === it) running = undefined
        }, recentMs),
      )
    })
    return waiting
  }

  async function sync(): Promise<MissedEvents> {
    if (isLost) return 'lost'
    clearTimeout(timer)
    timer = undefined
    isInDoubt = true
    const known = Math.max(told, expected)
    const answer = await callWithRetry(client, 'chat.sync', { room, since: chains.asOf })
    isInDoubt = false
    if (!answer.recovered) return lose()
    const missed = unseenEvents(chains, answer.events)
    for (const placed of missed) {
      chains.markSeen({ seq: placed.seq, ...chainOf(placed.event) })
      onEvent(placed)
    }
    const last = answer.events.at(-1)?.seq ?? 0
    chains.markAllSeen(last)
    told = Math.max(told, known, last)
    askOnceMore()
    return missed
  }

  /** What was told may come a moment later to where the answer is from. */
  function askOnceMore() {
    early = early.filter((notice) => chains.classify(notice) !== 'known' && !asked.has(notice.seq))
    for (const { seq } of early) asked.add(seq)
    if (early.length > 0) syncIn(retryDelayMs)
  }

  function lose(): 'lost' {
    isLost = true
    early = []
    asked.clear()
    onLost()
    return 'lost'
  }

  /** What was not answered is asked for again; where that is no use, everything is read anew. */
  function onRefused(error: unknown): undefined {
    if (isStopped || isLost) return
    if (!isTransient(error) && !isRateLimited(error)) return void lose()
    const waitMs = (isCallError(error) && error.retryAfterMs) || retryDelayMs
    isInDoubt = true
    notBefore = Date.now() + waitMs
    syncIn(waitMs)
  }

  return {
    hear(notice: Notice) {
      told = Math.max(told, notice.seq)
      void enqueue(() => take(notice))
    },
    /** There is an event of that number. What is not told of it in a while was lost on its way. */
    expect(seq: number) {
      expected = Math.max(expected, seq)
      if (expected > told) syncIn(lateMs)
    },
    /** It may have had more than is going to be told. */
    doubt() {
      isInDoubt = true
      syncIn(lateMs)
    },
    /** Answers with what had been missed, also by whoever asks at this moment, or has just now. */
    async sync(): Promise<MissedEvents> {
      const [before = [], after = []] = await Promise.all([running, syncNext()])
      return before === 'lost' || after === 'lost' ? 'lost' : [...before, ...after]
    },
    isLost: () => isLost,
    /** The last event of the room and its threads that is known; 0 where something before it is missing. */
    knownTo: () => (isLost || early.length > 0 ? 0 : chains.newest),
    /** All up to this event is known, and of all that came later it must be heard again. */
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

/** The event that was too large to come along; nothing where it cannot be had alone. */
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
