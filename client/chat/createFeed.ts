import type { RoomId } from '#schema/ids'
import { toNotifyId } from '#schema/ids'
import type { Notice, Placed, RoomEvent } from '#schema/messages/log'
import { ask, isPassing } from './ask.ts'
import type { ChatClient } from './createConnection.ts'
import { Chains, newOf, threadOf } from './feed.ts'

export interface FeedOptions {
  client: ChatClient
  room: RoomId
  /** What is known of the room already: all up to this event. */
  asOf: number
  /** Given each event once, in the order of its chain. */
  onEvent: (placed: Placed) => void
  /** Too much was missed: everything must be read anew, and `restart` told as of when. */
  onLost: () => void
}

export type Feed = ReturnType<typeof createFeed>

/**
 * What two runtimes tell at the same moment may come the wrong way round. So long something that came
 * too early waits for what was before it; then that is asked for.
 */
const patienceMs = 150
/** So long after it could not be asked for it is asked for again. */
const againMs = 5_000

/**
 * What happens in a room, without a gap: what is told, and where something is missing, what the room
 * says it was. Steps wait for each other, so that a slow one changes no order.
 */
export function createFeed({ client, room, asOf, onEvent, onLost }: FeedOptions) {
  let chains = new Chains(asOf)
  let steps: Promise<unknown> = Promise.resolve()
  let isStopped = false
  let early: Notice[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  /** A step that fails leaves a hole, which the next one finds. */
  function enqueue<T>(step: () => T | Promise<T>): Promise<T | undefined> {
    const done = steps.then(() => (isStopped ? undefined : step())).catch(() => undefined)
    steps = done
    return done
  }

  async function take(notice: Notice) {
    const verdict = chains.judge(notice)
    if (verdict === 'known') return
    if (verdict === 'hole') {
      early.push(notice)
      timer ??= setTimeout(() => void enqueue(askForMissing), patienceMs)
      return
    }
    const event = notice.event ?? (await readEvent(client, notice))
    if (!event) return
    chains.take(notice)
    onEvent({ seq: notice.seq, event })
    const waiting = early.sort((a, b) => a.seq - b.seq)
    early = []
    for (const one of waiting) await take(one)
  }

  async function askForMissing() {
    timer = undefined
    if (early.length > 0) await sync()
  }

  async function syncAgain() {
    timer = undefined
    await sync()
  }

  /** Answers with what had been missed. */
  async function sync(): Promise<readonly Placed[]> {
    const answer = await ask(client, 'chat.sync', { room, since: chains.asOf }).catch((error) => {
      if (isPassing(error)) timer ??= setTimeout(() => void enqueue(syncAgain), againMs)
      throw error
    })
    if (!answer.recovered) {
      early = []
      onLost()
      return []
    }
    early = []
    const missed = newOf(chains, answer.events)
    for (const placed of missed) {
      chains.take({ seq: placed.seq, ...threadOf(placed.event) })
      onEvent(placed)
    }
    chains.takeAll(answer.events.at(-1)?.seq ?? 0)
    return missed
  }

  return {
    hear: (notice: Notice) => void enqueue(() => take(notice)),
    sync: () => enqueue(sync),
    /** From now on all up to this event is known. */
    restart(from: number) {
      chains = new Chains(from)
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

/** The event that was too large to come along. */
async function readEvent(client: ChatClient, notice: Notice): Promise<RoomEvent | undefined> {
  if (notice.notifyId === undefined) return undefined
  const message = await ask(client, 'msg.get', { notifyId: notice.notifyId })
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
