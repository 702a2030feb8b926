import type { PendingMessage } from '../chat/createSendQueue.ts'
import type { TimelineMessage } from '../chat/timeline.ts'

/** A row that has not changed stays the same object, so that it is not rendered again. */
export type ListRow =
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
 * Returns a function that computes the rows. Later calls recompute only the rows of changed messages.
 */
export function createRows() {
  const days = new Map<number, ListRow>()
  let cells: readonly Cell[] = []
  let belowLine: MessageRow | undefined
  let outgoingRows = new Map<string, ListRow>()

  return (
    items: readonly TimelineMessage[],
    outgoing: readonly PendingMessage[],
    readSeq: number | undefined,
    me: string,
  ): ListRow[] => {
    cells = updateCells(cells, items)
    const firstUnread = findFirstUnread(items, readSeq, me)
    const rows: ListRow[] = []
    let index = 0
    for (const { isNewDay, day, item, row } of cells) {
      if (isNewDay) rows.push(dayRow(day, item))
      if (index++ === firstUnread) {
        if (belowLine?.item !== item) belowLine = row.isFirst ? row : { ...row, isFirst: true }
        rows.push(unread, belowLine)
      } else rows.push(row)
    }
    addOutgoing(rows, items, outgoing, me)
    return rows
  }

  function dayRow(day: number, { at }: TimelineMessage): ListRow {
    const row = days.get(day) ?? { kind: 'day', key: `day ${day}`, at }
    days.set(day, row)
    return row
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
      const before = outgoingRows.get(key)
      const isSame =
        before?.kind === 'outgoing' && before.outgoing === message && before.isFirst === isFirst
      const row: ListRow = isSame ? before : { kind: 'outgoing', key, outgoing: message, isFirst }
      next.set(key, row)
      rows.push(row)
      isAfterOwn = true
    }
    outgoingRows = next
  }
}

function updateCells(before: readonly Cell[], items: readonly TimelineMessage[]): readonly Cell[] {
  const maxShared = Math.min(before.length, items.length)
  let head = 0
  while (head < maxShared && before[head]?.item === items[head]) head++
  if (head === items.length && head === before.length) return before
  let tail = 0
  for (
    let oldIndex = before.length - 1, newIndex = items.length - 1;
    tail < maxShared - head && before[oldIndex]?.item === items[newIndex];
    oldIndex--, newIndex--
  )
    tail++

  const cells = before.slice(0, head)
  for (const item of items.slice(head, items.length - tail)) cells.push(toCell(item, cells.at(-1)))
  // The first message after the changed ones has a new predecessor, so it may now begin a day or a
  // group of messages. Its `Cell` is therefore computed again.
  const next = before[before.length - tail]
  if (next) cells.push(toCell(next.item, cells.at(-1), next))
  return cells.concat(before.slice(before.length - tail + 1))
}

function toCell(item: TimelineMessage, before: Cell | undefined, known?: Cell): Cell {
  const { atMs, day } = known ?? readTime(item.at)
  const isNewDay = before?.day !== day
  const continuesGroup =
    before !== undefined && before.item.sender === item.sender && atMs - before.atMs < groupingMs
  const isFirst = isNewDay || !continuesGroup
  if (known && known.isNewDay === isNewDay && known.row.isFirst === isFirst) return known
  const row = { kind: 'message', key: item.id, item, isFirst } as const
  return { item, atMs, day, isNewDay, row }
}

/** `day` is a number that identifies the calendar day in the browser's time zone. */
function readTime(at: string): { atMs: number; day: number } {
  const date = new Date(at)
  const day = (date.getFullYear() * 12 + date.getMonth()) * 31 + date.getDate()
  return { atMs: date.getTime(), day }
}

function findFirstUnread(
  items: readonly TimelineMessage[],
  readSeq: number | undefined,
  me: string,
): number {
  if (readSeq === undefined) return -1
  return items.findIndex(({ seq, sender }) => seq > readSeq && sender !== me)
}
