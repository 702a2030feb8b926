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

/** An event as it is told, after the one before it. */
function notice(seq: number, prev: number): Notice {
  const { event } = placed(seq)
  return { room, kind: event.kind, seq, prev, event }
}

type Refusal = { code: ErrorCode; retryAfterMs?: number }

/** A feed up to 10 whose room has had 11 to 15, and what it was asked. Answers are refusals first. */
function givenFeed(refusals: Refusal[] = []) {
  const asked: number[] = []
  const heard: number[] = []
  const client = {
    async call(name: string, { since }: { since: number }) {
      if (name !== 'chat.sync') throw new FunctionError('forbidden', `No ${name}`)
      asked.push(since)
      const refusal = refusals.shift()
      if (refusal) throw new FunctionError(refusal.code, 'Not now', refusal)
      const events = [11, 12, 13, 14, 15].filter((seq) => seq > since).map(placed)
      return { recovered: true, events }
    },
  } as unknown as ChatClient
  const feed: RoomFeed = createRoomFeed({
    client,
    room,
    asOf: 10,
    onEvent: ({ seq }) => heard.push(seq),
    onLost: () => heard.push(Number.NaN),
  })
  return { feed, asked, heard }
}

describe('what is told of a room', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    return () => vi.useRealTimers()
  })

  it('is heard in its order, once, though it comes the wrong way round', async () => {
    const { feed, asked, heard } = givenFeed()

    feed.hear(notice(13, 12))
    feed.hear(notice(12, 11))
    feed.hear(notice(11, 10))
    feed.hear(notice(12, 11))
    await vi.advanceTimersByTimeAsync(1_000)

    expect(heard).toEqual([11, 12, 13])
    expect(asked).toEqual([])
  })

  it('is asked for where something is missing, after a moment', async () => {
    const { feed, asked, heard } = givenFeed()

    feed.hear(notice(11, 10))
    feed.hear(notice(13, 12))
    feed.hear(notice(14, 13))
    await vi.advanceTimersByTimeAsync(100)
    expect(heard).toEqual([11])
    await vi.advanceTimersByTimeAsync(100)

    expect(asked).toHaveLength(1)
    expect(heard).toEqual([11, 12, 13, 14, 15])
  })

  it('is not asked for any more once nobody looks', async () => {
    const { feed, asked } = givenFeed()

    feed.hear(notice(13, 12))
    await vi.advanceTimersByTimeAsync(10)
    feed.stop()
    await vi.advanceTimersByTimeAsync(1_000)

    expect(asked).toEqual([])
  })

  it('is asked for where it was not told of at all', async () => {
    const { feed, asked, heard } = givenFeed()

    feed.hear(notice(11, 10))
    feed.expect(11)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toEqual([])
    feed.expect(15)
    feed.expect(15)
    await vi.advanceTimersByTimeAsync(10_000)
    feed.expect(15)
    await vi.advanceTimersByTimeAsync(10_000)

    expect(asked).toEqual([10])
    expect(heard).toEqual([11, 12, 13, 14, 15])
  })

  it('is asked for again, and not too soon, by who asked too often', async () => {
    const { feed, asked, heard } = givenFeed([{ code: 'rate_limited', retryAfterMs: 20_000 }])

    feed.hear(notice(13, 12))
    await vi.advanceTimersByTimeAsync(19_000)
    feed.hear(notice(14, 13))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)

    expect(asked).toHaveLength(2)
    expect(heard).toEqual([11, 12, 13, 14, 15])
  })

  it('is read anew where it may not be asked for, and goes on from there', async () => {
    const { feed, asked, heard } = givenFeed([{ code: 'internal' }])

    feed.hear(notice(13, 12))
    feed.hear(notice(14, 13))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(heard).toEqual([Number.NaN])
    feed.restart(13)
    await vi.advanceTimersByTimeAsync(1_000)

    expect(asked).toEqual([10, 13])
    expect(heard).toEqual([Number.NaN, 14, 15])
  })

  it('is asked for with the rest where it cannot be read by itself', async () => {
    const { feed, heard } = givenFeed()
    const { event: _, ...tooLong } = notice(11, 10)

    feed.hear({ ...tooLong, kind: 'message', notifyId: '1-a' as NotifyId })
    await vi.advanceTimersByTimeAsync(1_000)

    expect(heard).toEqual([11, 12, 13, 14, 15])
  })

  it('is asked for once by whoever asks at the same time', async () => {
    const { feed, asked, heard } = givenFeed()

    await Promise.all([feed.sync(), feed.sync(), feed.sync()])

    expect(asked).toEqual([10])
    expect(heard).toEqual([11, 12, 13, 14, 15])
  })

  it('is counted as missed though it is being asked for already', async () => {
    const { feed, asked } = givenFeed([{ code: 'disconnected' }])

    feed.expect(15)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(asked).toHaveLength(1)
    const missed = feed.sync()
    await vi.advanceTimersByTimeAsync(1_000)

    expect(await missed).toHaveLength(5)
  })
})
