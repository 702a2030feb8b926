import { describe, expect, it } from 'vitest'
import type { UserId } from '#schema/ids'
import type { PendingMessage } from '../../client/chat/createSendQueue.ts'
import {
  extendTimeline,
  type HistoryPage,
  type TimelineMessage,
  timelineFromPage,
} from '../../client/chat/timeline.ts'
import { createRows, type ListRow } from '../../client/messages/rows.ts'

const minuteMs = 60_000

/** Creates messages of alice and bob, who alternate after three or four messages each. */
function givenItems(count: number, from = 0): TimelineMessage[] {
  return Array.from({ length: count }, (_, index) => {
    const seq = from + index + 1
    return {
      id: seq.toString(16).padStart(32, '0'),
      clientId: `client-${seq}`,
      seq,
      asOf: seq,
      sender: seq % 7 < 4 ? 'alice' : 'bob',
      at: new Date(Date.UTC(2026, 0, 1) + (seq * 7 - (seq % 3) * 4) * minuteMs).toISOString(),
      room: 'general',
      text: `number ${seq}`,
      mentions: [],
      reactions: [],
    } as unknown as TimelineMessage
  })
}

const shape = (rows: readonly ListRow[]) =>
  rows.map((row) => `${row.kind} ${row.key}${'isFirst' in row && row.isFirst ? ' first' : ''}`)

describe('message rows', () => {
  it('are the same whether the messages are loaded page by page or at once', () => {
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
  ])('stay the same objects when messages are added %s them', (_where, from, to) => {
    const items = givenItems(300)
    const toRows = createRows()
    const some = toRows(items.slice(from, to), [], undefined, 'alice')

    const all = new Set(toRows(items, [], undefined, 'alice'))

    // Only the first two rows may be replaced: the day line, and the first message, which may join
    // the group of an older one.
    expect(some.slice(2).filter((row) => !all.has(row))).toEqual([])
  })

  it('stay the same objects after an edit, except for the edited message', () => {
    const items = givenItems(300)
    const toRows = createRows()
    const before = new Set(toRows(items, [], undefined, 'alice'))
    const edited = items.with(150, { ...(items[150] as TimelineMessage), text: 'other' })

    const after = toRows(edited, [], undefined, 'alice')

    const changed = after.filter((row) => !before.has(row))
    expect(changed.map(({ key }) => key)).toEqual([items[150]?.id])
  })

  it('include one unread line, and the message below the line shows its sender', () => {
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

  it('include a day line before the first message of each day', () => {
    const rows = createRows()(givenItems(1_000), [], undefined, 'alice')

    const days = rows.filter(({ kind }) => kind === 'day').map(({ key }) => key)
    expect(days.length).toBeGreaterThan(3)
    expect(new Set(days).size).toBe(days.length)
    expect(rows[0]?.kind).toBe('day')
  })
})

/** Creates a message for each pair of a sender and a time in minutes after noon, local time. */
function givenMessages(...messages: [sender: string, minutes: number][]): TimelineMessage[] {
  const noon = new Date(2026, 5, 1, 12).getTime()
  return messages.map(([sender, minutes], index) => {
    const at = new Date(noon + minutes * minuteMs).toISOString()
    return { ...(givenItems(1, index)[0] as TimelineMessage), sender: sender as UserId, at }
  })
}

const firsts = (rows: readonly ListRow[]) =>
  rows.flatMap((row) => ('isFirst' in row ? row.isFirst : []))

describe('message groups', () => {
  it.each([
    [
      'include the next message of the sender within five minutes',
      ['bob', 0],
      ['bob', 4.99999],
      false,
    ],
    [
      'end when the next message of the sender follows after five minutes',
      ['bob', 0],
      ['bob', 5],
      true,
    ],
    ['end with another sender', ['bob', 0], ['alice', 1], true],
    ['end at midnight', ['bob', 719], ['bob', 721], true],
  ] as const)('%s', (_title, first, second, isFirst) => {
    const rows = createRows()(givenMessages([...first], [...second]), [], undefined, 'alice')

    expect(firsts(rows)).toEqual([true, isFirst])
  })

  it('include an older message that is loaded later', () => {
    const items = givenMessages(['bob', 0], ['bob', 1], ['bob', 2])
    const toRows = createRows()
    toRows(items.slice(1), [], undefined, 'alice')

    expect(firsts(toRows(items, [], undefined, 'alice'))).toEqual([true, false, false])
  })

  it('are joined when a message between two groups is loaded', () => {
    const items = givenMessages(['bob', 0], ['bob', 4], ['bob', 8])
    const toRows = createRows()

    expect(firsts(toRows(items.toSpliced(1, 1), [], undefined, 'alice'))).toEqual([true, true])
    expect(firsts(toRows(items, [], undefined, 'alice'))).toEqual([true, false, false])
  })
})

describe('the unread line', () => {
  const items = givenMessages(['bob', 0], ['alice', 1], ['bob', 2], ['bob', 3], ['bob', 4])
  const seqBelowLine = (rows: readonly ListRow[]) => {
    const below = rows[rows.findIndex(({ kind }) => kind === 'unread') + 1]
    return below?.kind === 'message' ? below.item.seq : undefined
  }

  it('is above the first unread message of another user, not above a message of the reader', () => {
    expect(seqBelowLine(createRows()(items, [], 1, 'alice'))).toBe(3)
  })

  it('is directly below the last read message', () => {
    expect(seqBelowLine(createRows()(items, [], 3, 'alice'))).toBe(4)
  })

  it.each([
    ['no read position', undefined],
    ['no unread message', 5],
  ])('is absent if there is %s', (_title, readSeq) => {
    const rows = createRows()(items, [], readSeq, 'alice')

    expect(rows.filter(({ kind }) => kind === 'unread')).toEqual([])
  })

  it('does not cause new row objects when the rows are computed again from the same input', () => {
    const toRows = createRows()
    const before = toRows(items, [], 3, 'alice')

    expect(toRows(items, [], 3, 'alice').every((row, index) => row === before[index])).toBe(true)
  })

  it('makes the message below it start a group, until the line is removed', () => {
    const toRows = createRows()

    expect(firsts(toRows(items, [], 3, 'alice'))).toEqual([true, true, true, true, false])
    expect(firsts(toRows(items, [], undefined, 'alice'))).toEqual([true, true, true, false, false])
  })
})

describe('day lines', () => {
  it('have a different key for each day of two years', () => {
    const items = Array.from({ length: 731 }, (_, day) => ({
      ...(givenItems(1, day)[0] as TimelineMessage),
      at: new Date(2026, 0, day + 1, 12).toISOString(),
    }))

    const days = createRows()(items, [], undefined, 'alice').filter(({ kind }) => kind === 'day')
    expect(new Set(days.map(({ key }) => key)).size).toBe(731)
  })
})

describe('outgoing messages', () => {
  const outgoing = (...ids: string[]) =>
    ids.map((clientId) => ({ clientId, status: 'pending' }) as PendingMessage)
  const outgoingOf = (rows: readonly ListRow[]) => rows.filter(({ kind }) => kind === 'outgoing')

  it.each([
    ['continue the group of the sender', ['bob', 'alice'], [false, false]],
    ['start a group below another user', ['alice', 'bob'], [true, false]],
  ])('%s', (_title, [first = '', second = ''], expected) => {
    const items = givenMessages([first, 0], [second, 1])

    const rows = createRows()(items, outgoing('x', 'y'), undefined, 'alice')

    expect(rows.slice(-2).map(({ key }) => key)).toEqual(['x', 'y'])
    expect(firsts(rows.slice(-2))).toEqual(expected)
  })

  it.each([0, 1])(
    'are hidden once the timeline contains the sent message, here at index %s',
    (index) => {
      const items = givenMessages(['alice', 0], ['alice', 1])
      const pending = outgoing(String(items[index]?.clientId), 'x')

      const rows = createRows()(items, pending, undefined, 'alice')

      expect(outgoingOf(rows).map(({ key }) => key)).toEqual(['x'])
    },
  )

  it('keep the same row object until their status or group changes', () => {
    const toRows = createRows()
    const [item] = givenMessages(['bob', 0])
    const [pending] = outgoing('x')
    if (!item || !pending) throw new Error('The fixture is empty')
    const [before] = outgoingOf(toRows([item], [pending], undefined, 'alice'))

    expect(outgoingOf(toRows([item], [pending], undefined, 'alice'))[0]).toBe(before)
    const failed = { ...pending, status: 'failed' } as const
    const [changed] = outgoingOf(toRows([item], [failed], undefined, 'alice'))
    expect(changed).toMatchObject({ outgoing: { status: 'failed' }, isFirst: true })
    const own = givenMessages(['alice', 0])
    const [joined] = outgoingOf(toRows(own, [failed], undefined, 'alice'))
    expect(joined).toMatchObject({ isFirst: false })
  })
})

describe('history pages', () => {
  it('are joined without missing or duplicate messages', () => {
    const items = givenItems(150)
    const page = (from: number, to: number): HistoryPage =>
      ({
        messages: items.slice(from, to),
        before: from > 0,
        after: to < 150,
        asOf: 150,
      }) as HistoryPage

    // Two of the pages overlap the first one, as if messages had arrived between the requests.
    let timeline = timelineFromPage(page(60, 100))
    timeline = extendTimeline(timeline, page(20, 65), 'older')
    timeline = extendTimeline(timeline, page(0, 20), 'older')
    timeline = extendTimeline(timeline, page(95, 150), 'newer')

    expect(timeline.items.map(({ seq }) => seq)).toEqual(items.map(({ seq }) => seq))
    expect(timeline).toMatchObject({ hasOlder: false, hasNewer: false })
  })
})
