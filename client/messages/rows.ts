import type { PendingMessage } from '../chat/createSendQueue.ts'
import type { TimelineMessage } from '../chat/timeline.ts'

/** What the list of messages is made of. The same thing is the same object, so that it is drawn once. */
export type ListRow =
  /** Where the room begins. */
  | { kind: 'start'; key: string }
  | { kind: 'day'; key: string; at: string }
  | { kind: 'unread'; key: string }
  | MessageRow
  | { kind: 'outgoing'; key: string; outgoing: PendingMessage; isFirst: boolean }

interface MessageRow {
  kind: 'message'
  key: string
  item: TimelineMessage
  isFirst: boolean
}

/** A message in its place: what is known of it as long as neither it nor the one before it changes. */
interface Cell {
  item: TimelineMessage
  atMs: number
  day: number
  isNewDay: boolean
  row: MessageRow
}

const groupingMs = 5 * 60_000
const unread: ListRow = { kind: 'unread', key: 'unread' }

/**
 * Makes rows of messages; what has not changed since the last time stays the same row. A room may have
 * a hundred thousand: only what is new, or comes after something new, is looked at again.
 */
export function createRows() {
  const days = new Map<number, ListRow>()
  let cells: readonly Cell[] = []
  /** The first message below the line begins anew, whatever it goes on with. */
  let belowLine: MessageRow | undefined
  let said = new Map<string, ListRow>()

  /** `readSeq`: where the line of what is new is drawn, if anywhere. */
  return (
    items: readonly TimelineMessage[],
    outgoing: readonly PendingMessage[],
    readSeq: number | undefined,
    me: string,
  ): ListRow[] => {
    cells = updateCell(cells, items)
    const firstNew = findFirstUnread(items, readSeq, me)
    const rows: ListRow[] = []
    let at = 0
    for (const { isNewDay, day, item, row } of cells) {
      if (isNewDay) rows.push(lineOf(day, item))
      if (at++ === firstNew) {
        if (belowLine?.item !== item) belowLine = row.isFirst ? row : { ...row, isFirst: true }
        rows.push(unread, belowLine)
      } else rows.push(row)
    }
    addOutgoing(rows, items, outgoing, me)
    return rows
  }

  function lineOf(day: number, { at }: TimelineMessage): ListRow {
    const line = days.get(day) ?? { kind: 'day', key: `day ${day}`, at }
    days.set(day, line)
    return line
  }

  function addOutgoing(
    rows: ListRow[],
    items: readonly TimelineMessage[],
    outgoing: readonly PendingMessage[],
    me: string,
  ) {
    const next = new Map<string, ListRow>()
    let isAfterOwn = items.at(-1)?.sender === me
    for (const message of outgoing) {
      const { clientId: key } = message
      if (items.findLastIndex(({ clientId }) => clientId === key) >= 0) continue
      const isFirst = !isAfterOwn
      const before = said.get(key)
      const isSame =
        before?.kind === 'outgoing' && before.outgoing === message && before.isFirst === isFirst
      const row: ListRow = isSame ? before : { kind: 'outgoing', key, outgoing: message, isFirst }
      next.set(key, row)
      rows.push(row)
      isAfterOwn = true
    }
    said = next
  }
}

/** The cells of these messages: those at either end that were there before stay what they are. */
function updateCell(before: readonly Cell[], items: readonly TimelineMessage[]): readonly Cell[] {
  const most = Math.min(before.length, items.length)
  let head = 0
  while (head < most && before[head]?.item === items[head]) head++
  if (head === items.length && head === before.length) return before
  let tail = 0
  for (
    let there = before.length - 1, here = items.length - 1;
    tail < most - head && before[there]?.item === items[here];
    there--, here--
  )
    tail++

  const cells = before.slice(0, head)
  for (const item of items.slice(head, items.length - tail)) cells.push(toCell(item, cells.at(-1)))
  // The first of those that follow may go on with another one now.
  const next = before[before.length - tail]
  if (next) cells.push(toCell(next.item, cells.at(-1), next))
  return cells.concat(before.slice(before.length - tail + 1))
}

function toCell(item: TimelineMessage, before: Cell | undefined, known?: Cell): Cell {
  const { atMs, day } = known ?? readTime(item.at)
  const isNewDay = before?.day !== day
  const goesOn =
    before !== undefined && before.item.sender === item.sender && atMs - before.atMs < groupingMs
  const isFirst = isNewDay || !goesOn
  if (known && known.isNewDay === isNewDay && known.row.isFirst === isFirst) return known
  const row = { kind: 'message', key: item.id, item, isFirst } as const
  return { item, atMs, day, isNewDay, row }
}

/** The day as one number, in the time of whoever looks at it. */
function readTime(at: string): { atMs: number; day: number } {
  const date = new Date(at)
  const day = (date.getFullYear() * 12 + date.getMonth()) * 31 + date.getDate()
  return { atMs: date.getTime(), day }
}

/** The first message by somebody else after what was read. */
function findFirstUnread(
  items: readonly TimelineMessage[],
  readSeq: number | undefined,
  me: string,
): number {
  if (readSeq === undefined) return -1
  const end = items.findLastIndex(({ seq }) => seq <= readSeq)
  return items.findIndex(({ seq, sender }, at) => at > end && seq > readSeq && sender !== me)
}
