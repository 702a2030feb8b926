import { describe, expect, it } from 'vitest'
import {
  extendTimeline,
  type HistoryPage,
  type TimelineMessage,
  timelineFromPage,
} from '../../client/chat/timeline.ts'
import { createRows, type ListRow } from '../../client/messages/rows.ts'

const minuteMs = 60_000

/** Messages of two people, some soon after another, over some days. */
function givenItems(count: number, from = 0): TimelineMessage[] {
  return Array.from({ length: count }, (_, index) => {
    const seq = from + index + 1
    return {
      id: seq.toString(16).padStart(32, '0'),
      clientId: `client-${seq}`,
      seq,
      asOf: seq,
      sender: seq % 7 < 4 ? 'alice' : 'bob',
      at: new Date(Date.UTC(2026, 0, 1) + (seq * 7 - (seq % 3)) * minuteMs).toISOString(),
      room: 'general',
      text: `number ${seq}`,
      mentions: [],
      reactions: [],
    } as unknown as TimelineMessage
  })
}

const shape = (rows: readonly ListRow[]) =>
  rows.map((row) => `${row.kind} ${row.key}${'isFirst' in row && row.isFirst ? ' first' : ''}`)

describe('rows of messages', () => {
  it('are the same whether messages come page by page or at once', () => {
    const items = givenItems(1_000)
    const toRows = createRows()

    for (let first = 950; first >= 0; first -= 50)
      expect(shape(toRows(items.slice(first), [], 40, 'bob'))).toEqual(
        shape(createRows()(items.slice(first), [], 40, 'bob')),
      )
    for (let last = 10; last <= 1_000; last += 90)
      expect(shape(toRows(items.slice(0, last), [], 40, 'bob'))).toEqual(
        shape(createRows()(items.slice(0, last), [], 40, 'bob')),
      )
  })

  it.each([
    ['before', 100, 300],
    ['after', 0, 200],
  ])('stay the same objects when others come %s them', (_where, from, to) => {
    const items = givenItems(300)
    const toRows = createRows()
    const some = toRows(items.slice(from, to), [], undefined, 'alice')

    const all = new Set(toRows(items, [], undefined, 'alice'))

    // The first one may go on with what came before it, and its day may have begun earlier.
    expect(some.slice(2).filter((row) => !all.has(row))).toEqual([])
  })

  it('change for one message when that is edited', () => {
    const items = givenItems(300)
    const toRows = createRows()
    const before = new Set(toRows(items, [], undefined, 'alice'))
    const edited = items.with(150, { ...(items[150] as TimelineMessage), text: 'other' })

    const after = toRows(edited, [], undefined, 'alice')

    const changed = after.filter((row) => !before.has(row))
    expect(changed.map(({ key }) => key)).toEqual([items[150]?.id])
  })

  it('have one line where the new ones of others begin, and a name below it', () => {
    const items = givenItems(60)
    const rows = createRows()(items, [], 30, 'bob')

    const at = rows.findIndex(({ kind }) => kind === 'unread')
    const below = rows[at + 1]

    expect(rows.filter(({ kind }) => kind === 'unread')).toHaveLength(1)
    expect(below).toMatchObject({ kind: 'message', isFirst: true, item: { sender: 'alice' } })
    expect(below?.kind === 'message' && below.item.seq).toBe(
      items.find(({ seq, sender }) => seq > 30 && sender !== 'bob')?.seq,
    )
  })

  it('begin each day with a line', () => {
    const rows = createRows()(givenItems(1_000), [], undefined, 'alice')

    const days = rows.filter(({ kind }) => kind === 'day').map(({ key }) => key)
    expect(days.length).toBeGreaterThan(3)
    expect(new Set(days).size).toBe(days.length)
    expect(rows[0]?.kind).toBe('day')
  })
})

describe('pages of a room', () => {
  it('follow each other without a message that is missing or there twice', () => {
    const items = givenItems(150)
    const page = (from: number, to: number): HistoryPage =>
      ({
        messages: items.slice(from, to),
        before: from > 0,
        after: to < 150,
        asOf: 150,
      }) as HistoryPage

    // As they overlap when something is said meanwhile.
    let timeline = timelineFromPage(page(60, 100))
    timeline = extendTimeline(timeline, page(20, 65), 'older')
    timeline = extendTimeline(timeline, page(0, 20), 'older')
    timeline = extendTimeline(timeline, page(95, 150), 'newer')

    expect(timeline.items.map(({ seq }) => seq)).toEqual(items.map(({ seq }) => seq))
    expect(timeline).toMatchObject({ hasOlder: false, hasNewer: false })
  })
})
