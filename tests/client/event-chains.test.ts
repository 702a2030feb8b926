import { describe, expect, it } from 'vitest'
import type { MessageId } from '#schema/ids'
import type { PlacedEvent } from '#schema/messages/event'
import { EventChains, unseenEvents } from '../../client/chat/eventChains.ts'

const threadId = 'thread' as MessageId

function placed(seq: number, thread?: MessageId): PlacedEvent {
  const place = thread === undefined ? {} : { threadId: thread }
  return { seq, event: { kind: 'message', ...place } as never }
}

/** In the tests, `prev` is the sequence number of the previous event of the same room or thread. */
describe('the event chains of a room and its threads', () => {
  it.each([
    ['the last seen event', 10, 9, 'known'],
    ['the event after the last seen one', 12, 10, 'next'],
    ['an event whose predecessor is missing', 12, 11, 'gap'],
  ])('classify %s (seq %i, prev %i) as %s', (_title, seq, prev, position) => {
    expect(new EventChains(10).classify({ seq, prev })).toBe(position)
  })

  it('classify the first event of a new room as next', () => {
    expect(new EventChains(0).classify({ seq: 1, prev: 0 })).toBe('next')
  })

  it('advance separately for the room and for each thread', () => {
    const chains = new EventChains(10)
    chains.markSeen({ seq: 12, threadId })

    expect(chains.classify({ seq: 12, prev: 10, threadId })).toBe('known')
    expect(chains.classify({ seq: 13, prev: 12, threadId })).toBe('next')
    expect(chains.classify({ seq: 12, prev: 10 })).toBe('next')
    expect(chains.classify({ seq: 13, prev: 12 })).toBe('gap')
    expect(chains.asOf).toBe(10)
    expect(chains.newest).toBe(12)
  })

  it('do not move back when an older event is marked as seen later', () => {
    const chains = new EventChains(10)
    chains.markSeen({ seq: 13 })
    chains.markSeen({ seq: 11 })

    expect(chains.classify({ seq: 13, prev: 11 })).toBe('known')
  })

  it('advance to the sequence number of a history page, unless they are already past it', () => {
    const chains = new EventChains(10)
    chains.markSeen({ seq: 12, threadId })
    chains.markSeen({ seq: 20 })
    chains.markAllSeen(15)
    chains.markAllSeen(11)

    expect(chains.asOf).toBe(15)
    expect(chains.newest).toBe(20)
    expect(chains.classify({ seq: 15, prev: 12, threadId })).toBe('known')
    expect(chains.classify({ seq: 20, prev: 15 })).toBe('known')
    expect(chains.classify({ seq: 21, prev: 20, threadId })).toBe('gap')
  })

  it('select the events of a chat.sync response that were not seen before', () => {
    const chains = new EventChains(10)
    chains.markSeen({ seq: 12, threadId })
    const events = [placed(10), placed(11), placed(12, threadId), placed(12), placed(13, threadId)]

    expect(unseenEvents(chains, events)).toEqual([placed(11), placed(12), placed(13, threadId)])
  })
})
