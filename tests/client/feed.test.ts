import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type ErrorCode, FunctionError } from '#runtime'
import type { NotifyId, RoomId, UserId } from '#schema/ids'
import type { Notice, PlacedEvent } from '#schema/messages/event'
import { createRoomFeed, type RoomFeed } from '../../client/chat/createRoomFeed.ts'
import type { ChatClient } from '../../client/nats/chatClient.ts'

const room = 'general' as RoomId

function placed(seq: number): PlacedEvent {
  const at = new Date(seq).toISOString()
  return { seq, event: { kind: 'room', action: 'rename', room, by: 'alice' as UserId, at } }
}

function notice(seq: number, prev: number): Notice {
  const { event } = placed(seq)
  return { room, kind: event.kind, seq, prev, event }
}

type CallErrorFields = { code: ErrorCode; retryAfterMs?: number }

/**
 * Creates a feed of a room with 15 events, of which the feed has seen the first 10. The first calls
 * of `chat.sync` fail, each with one of `errors`; later calls succeed.
 */
function givenFeed(errors: CallErrorFields[] = []) {
  const syncs: number[] = []
  const delivered: number[] = []
  const client = {
    async call(name: string, { since }: { since: number }) {
      if (name !== 'chat.sync') throw new FunctionError('forbidden', `No ${name}`)
      syncs.push(since)
      const error = errors.shift()
      if (error) throw new FunctionError(error.code, 'Not now', error)
      const events = [11, 12, 13, 14, 15].filter((seq) => seq > since).map(placed)
      return { recovered: true, events }
    },
  } as unknown as ChatClient
  const feed: RoomFeed = createRoomFeed({
    client,
    room,
    asOf: 10,
    onEvent: ({ seq }) => delivered.push(seq),
    onLost: () => delivered.push(Number.NaN),
  })
  return { feed, syncs, delivered }
}

describe('the feed of a room', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    return () => vi.useRealTimers()
  })

  it('delivers each event once and in order when notices arrive out of order or twice', async () => {
    const { feed, syncs, delivered } = givenFeed()

    feed.receive(notice(13, 12))
    feed.receive(notice(12, 11))
    feed.receive(notice(11, 10))
    feed.receive(notice(12, 11))
    await vi.advanceTimersByTimeAsync(1_000)

    expect(delivered).toEqual([11, 12, 13])
    expect(syncs).toEqual([])
  })

  it('calls chat.sync after a short delay when a notice is missing', async () => {
    const { feed, syncs, delivered } = givenFeed()

    feed.receive(notice(11, 10))
    feed.receive(notice(13, 12))
    feed.receive(notice(14, 13))
    await vi.advanceTimersByTimeAsync(100)
    expect(delivered).toEqual([11])
    await vi.advanceTimersByTimeAsync(400)

    expect(syncs).toHaveLength(1)
    expect(delivered).toEqual([11, 12, 13, 14, 15])
  })

  it('asks chat.sync only for the events since 10 s before the newest one, if it has received more than 300 events', async () => {
    const { feed, syncs } = givenFeed()
    for (let seq = 11; seq <= 1_010; seq++) {
      feed.receive(notice(seq, seq - 1))
      await vi.advanceTimersByTimeAsync(100)
    }

    await vi.advanceTimersByTimeAsync(60_000)
    await feed.sync()
    await feed.sync()
    expect(syncs).toEqual([910, 910])
  })

  it('calls chat.sync with a sequence number before the missing events, even if it has received more than 300 other events', async () => {
    const { feed, syncs } = givenFeed()
    for (let seq = 11; seq <= 411; seq++) feed.receive(notice(seq, seq - 1))
    feed.receive(notice(500, 413))
    await vi.advanceTimersByTimeAsync(1_000)

    expect(syncs.every((since) => since <= 411)).toBe(true)
    expect(syncs).not.toEqual([])
  })

  it('does not call chat.sync after it has been stopped', async () => {
    const { feed, syncs } = givenFeed()

    feed.receive(notice(13, 12))
    await vi.advanceTimersByTimeAsync(10)
    feed.stop()
    await vi.advanceTimersByTimeAsync(1_000)

    expect(syncs).toEqual([])
  })

  it('calls chat.sync only once for an expected event whose notice does not arrive', async () => {
    const { feed, syncs, delivered } = givenFeed()

    feed.receive(notice(11, 10))
    feed.expect(11)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(syncs).toEqual([])
    feed.expect(15)
    feed.expect(15)
    await vi.advanceTimersByTimeAsync(10_000)
    feed.expect(15)
    await vi.advanceTimersByTimeAsync(10_000)

    expect(syncs).toEqual([10])
    expect(delivered).toEqual([11, 12, 13, 14, 15])
  })

  it('retries a rate-limited call of chat.sync after `retryAfterMs`', async () => {
    const { feed, syncs, delivered } = givenFeed([{ code: 'rate_limited', retryAfterMs: 20_000 }])

    feed.receive(notice(13, 12))
    await vi.advanceTimersByTimeAsync(19_000)
    feed.receive(notice(14, 13))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(syncs).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)

    expect(syncs).toHaveLength(2)
    expect(delivered).toEqual([11, 12, 13, 14, 15])
  })

  it('calls onLost after a permanent error of chat.sync, and continues after a restart', async () => {
    const { feed, syncs, delivered } = givenFeed([{ code: 'internal' }])

    feed.receive(notice(13, 12))
    feed.receive(notice(14, 13))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(delivered).toEqual([Number.NaN])
    feed.restart(13)
    await vi.advanceTimersByTimeAsync(1_000)

    expect(syncs).toEqual([10, 13])
    expect(delivered).toEqual([Number.NaN, 14, 15])
  })

  it('calls chat.sync if a notice does not contain its event and the event cannot be fetched', async () => {
    const { feed, delivered } = givenFeed()
    const { event: _, ...tooLong } = notice(11, 10)

    feed.receive({ ...tooLong, kind: 'message', notifyId: '1-a' as NotifyId })
    await vi.advanceTimersByTimeAsync(1_000)

    expect(delivered).toEqual([11, 12, 13, 14, 15])
  })

  it('shares one call of chat.sync between concurrent calls of sync', async () => {
    const { feed, syncs, delivered } = givenFeed()

    await Promise.all([feed.sync(), feed.sync(), feed.sync()])

    expect(syncs).toEqual([10])
    expect(delivered).toEqual([11, 12, 13, 14, 15])
  })

  it('returns the missed events from sync even if a call of chat.sync is already running', async () => {
    const { feed, syncs } = givenFeed([{ code: 'disconnected' }])

    feed.expect(15)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(syncs).toHaveLength(1)
    const missed = feed.sync()
    await vi.advanceTimersByTimeAsync(1_000)

    expect(await missed).toHaveLength(5)
  })
})
