import { setTimeout as delay } from 'node:timers/promises'
import type { OutputOf } from '#runtime'
import type { contracts } from '#schema/contracts'
import type { MessageId, RoomId } from '#schema/ids'
import { newClientId } from '../support/app.ts'
import { type FunctionName, isIndeterminate, type SimulatedUser } from './simulated-user.ts'

/** An acknowledged message. Its times are in milliseconds, by `performance.now()`. */
export interface Acknowledged {
  seq: number
  sentAt: number
  acknowledgedAt: number
}

export interface Figures {
  sent: number
  /** The number of sent messages whose call failed at least once. */
  repeated: number
  /** The longest time without an acknowledgement. */
  gapMs: number
  /** The longest time from the first attempt of a message to its acknowledgement. */
  slowestMs: number
}

const messagesPerSecond = 100
const maxAttempts = 10
/** The delays with which the page retries (`client/chat/createSendQueue.ts`). */
const [minRetryMs, maxRetryMs, repeatAfterMs] = [400, 8_000, 1_000]
/**
 * If there are more events than this, `chat.sync` answers `recovered: false` (see
 * domain/log/read-since.ts).
 */
const maxSyncedEvents = 500
/**
 * Maximum number of concurrent reads. It is low, so that most of the load comes from sending
 * messages.
 */
const maxReads = 4

/**
 * Sends 100 messages a second. Reads the room after an acknowledgement, and records in `stale` the
 * reads that lack the acknowledged message.
 */
export class RollingLoad {
  readonly #users: readonly SimulatedUser[]
  readonly #room: RoomId
  readonly acknowledged = new Map<MessageId, Acknowledged>()
  readonly failed: string[] = []
  readonly stale: string[] = []
  readonly #repeated = new Set<number>()
  #reading = 0
  #latest = 0
  reads = 0

  constructor(users: readonly SimulatedUser[], room: RoomId) {
    this.#users = users
    this.#room = room
  }

  /** Resolves when `signal` has aborted and all messages have an outcome. */
  async run(signal: AbortSignal): Promise<void> {
    const calls: Promise<void>[] = []
    const start = performance.now()
    for (let count = 0; !signal.aborted; count++) {
      const early = start + (count * 1_000) / messagesPerSecond - performance.now()
      if (early > 0) await delay(early)
      const user = this.#users[count % this.#users.length]
      if (user) calls.push(this.#send(user, count))
    }
    await Promise.all(calls)
  }

  /**
   * Returns the figures of a past time span. `gapMs` is that of all acknowledgements in the span.
   * The other figures are those of the messages that were first sent in the span.
   */
  figures(from: number, to: number): Figures {
    const all = [...this.acknowledged.values()]
    const within = all.filter(({ sentAt }) => sentAt >= from && sentAt <= to)
    const times = all
      .map(({ acknowledgedAt }) => acknowledgedAt)
      .filter((at) => at >= from && at <= to)
    const points = [from, ...times.sort((a, b) => a - b), to]
    return {
      sent: within.length,
      repeated: within.filter(({ sentAt }) => this.#repeated.has(sentAt)).length,
      gapMs: Math.max(...points.slice(1).map((at, index) => at - (points[index] ?? 0))),
      slowestMs: Math.max(
        0,
        ...within.map(({ sentAt, acknowledgedAt }) => acknowledgedAt - sentAt),
      ),
    }
  }

  async #send(user: SimulatedUser, count: number) {
    const sentAt = performance.now()
    const message = { room: this.#room, clientId: newClientId(), text: `message ${count}` }
    const codes: string[] = []
    for (let waitMs = minRetryMs; codes.length < maxAttempts; waitMs *= 2) {
      const outcome = await user.client.try('send', message, { repeatAfterMs })
      if (outcome.ok) {
        const { id, seq } = outcome.value
        this.acknowledged.set(id, { seq, sentAt, acknowledgedAt: performance.now() })
        this.#latest = Math.max(this.#latest, seq)
        return this.#readAfter(user, id, seq)
      }
      const { code } = outcome.error
      codes.push(code)
      this.#repeated.add(sentAt)
      if (!isIndeterminate(code)) break
      await delay(Math.min(waitMs, maxRetryMs))
    }
    this.failed.push(`message ${count} of ${user.userId} fails: ${codes.join(', ')}`)
  }

  async #readAfter(user: SimulatedUser, id: MessageId, seq: number) {
    if (this.#reading >= maxReads) return
    this.#reading++
    try {
      const room = this.#room
      const page = await callUntilAnswered(user, 'chat.history', { room, limit: 20 })
      for (const since of [seq - 1, page.asOf]) {
        const isInPage = page.messages.some((message) => message.id === id)
        if (since >= seq && isInPage) continue
        if (since >= seq && (page.messages[0]?.seq ?? 0) > seq) continue
        const synced = await callUntilAnswered(user, 'chat.sync', { room, since })
        const isRead = synced.recovered && synced.events.some((event) => event.seq === seq)
        // `chat.sync` answers `recovered: false` if there are more than 500 events after `since`, for
        // example because the call was repeated for seconds. This is no fault if the newest
        // acknowledged message is more than 250 sequences after `since`.
        const isTooMuch = !synced.recovered && this.#latest - since > maxSyncedEvents / 2
        if (!isRead && !isTooMuch)
          this.stale.push(
            `chat.sync after ${since} lacks ${seq} ${synced.recovered ? '' : 'and is not recovered'}`,
          )
      }
      this.reads++
    } finally {
      this.#reading--
    }
  }
}

/** Repeats a call until it is answered. Throws the error if the call is rejected. */
export async function callUntilAnswered<N extends FunctionName>(
  { client }: SimulatedUser,
  name: N,
  input: Parameters<typeof client.call<N>>[1],
): Promise<OutputOf<(typeof contracts)[N]>> {
  for (;;) {
    const outcome = await client.try(name, input, { repeatAfterMs })
    if (outcome.ok) return outcome.value
    if (!isIndeterminate(outcome.error.code)) throw outcome.error
    await delay(minRetryMs)
  }
}
