import { describe, expect, it } from 'vitest'
import type { PlacedEvent } from '#schema/messages/event'
import { RecentEvents } from '../../client/chat/recentEvents.ts'

const placed = (seq: number): PlacedEvent => ({ seq, event: { kind: 'message' } as never })

function givenRecent(from: number, seqs: number[]): RecentEvents {
  const recent = new RecentEvents(from)
  for (const seq of seqs) recent.add(placed(seq))
  return recent
}

const seqsAfter = (recent: RecentEvents, seq: number) => recent.after(seq).map(({ seq }) => seq)

describe('recent events', () => {
  it('are returned in order and without duplicates', () => {
    const recent = givenRecent(10, [12, 11, 14, 12, 11, 13])

    expect(seqsAfter(recent, 10)).toEqual([11, 12, 13, 14])
  })

  it('are returned only if they are newer than a given sequence number', () => {
    expect(seqsAfter(givenRecent(10, [11, 12, 13]), 12)).toEqual([13])
  })

  it('are complete after the sequence number at which recording began', () => {
    const recent = givenRecent(10, [11])

    expect(recent.isCompleteAfter(9)).toBe(false)
    expect(recent.isCompleteAfter(10)).toBe(true)
  })

  it('are limited to 500, and are incomplete before the oldest of them', () => {
    const seqs = Array.from({ length: 501 }, (_, index) => index + 11)
    const full = givenRecent(10, seqs.slice(0, 500))
    expect(seqsAfter(full, 0)).toHaveLength(500)
    expect(full.isCompleteAfter(10)).toBe(true)

    full.add(placed(511))

    expect(seqsAfter(full, 0)).toEqual(seqs.slice(1))
    expect(full.isCompleteAfter(10)).toBe(false)
    expect(full.isCompleteAfter(11)).toBe(true)
  })

  it('are dropped up to the sequence number at which recording restarts', () => {
    const recent = givenRecent(10, [11, 12, 13])
    recent.restart(12)

    expect(seqsAfter(recent, 0)).toEqual([13])
    expect(recent.isCompleteAfter(11)).toBe(false)
    expect(recent.isCompleteAfter(12)).toBe(true)
  })
})
