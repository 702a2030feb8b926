import type { Outgoing } from '../chat/createOutbox.ts'
import type { Item } from '../chat/timeline.ts'

/** What the list of messages is made of. The same thing is the same object, so that it is drawn once. */
export type Row =
  | { is: 'day'; key: string; at: string }
  | { is: 'unread'; key: string }
  | { is: 'message'; key: string; item: Item; isFirst: boolean }
  | { is: 'outgoing'; key: string; outgoing: Outgoing; isFirst: boolean }

const sameBreathMs = 5 * 60_000

/** Makes rows of messages; what has not changed since the last time stays the same row. */
export function createRows() {
  const days = new Map<string, Row>()
  const unread: Row = { is: 'unread', key: 'unread' }
  let known = new Map<string, Row>()

  /** `readSeq`: where the line of what is new is drawn, if anywhere. */
  return (
    items: readonly Item[],
    outgoing: readonly Outgoing[],
    readSeq: number | undefined,
    me: string,
  ): Row[] => {
    const rows: Row[] = []
    const next = new Map<string, Row>()
    let before: Item | undefined
    let hasLine = false
    for (const item of items) {
      const day = dayOf(item)
      const isNewDay = !before || dayOf(before) !== day
      if (isNewDay) {
        const line = days.get(day) ?? { is: 'day', key: day, at: item.at }
        days.set(day, line)
        rows.push(line)
      }
      const isFirstNew: boolean =
        readSeq !== undefined && item.seq > readSeq && item.sender !== me && !hasLine
      if (isFirstNew) rows.push(unread)
      hasLine ||= isFirstNew
      const isFirst = isNewDay || rows.at(-1) === unread || !continues(before, item)
      const row = keep(known.get(item.id), { is: 'message', key: item.id, item, isFirst })
      next.set(item.id, row)
      rows.push(row)
      before = item
    }
    const shown = new Set(items.map(({ clientId }) => clientId))
    let isAfterOwn = before?.sender === me && rows.at(-1)?.is === 'message'
    for (const message of outgoing) {
      if (shown.has(message.clientId)) continue
      const { clientId: key } = message
      const isFirst = !isAfterOwn
      const row = keep(known.get(key), { is: 'outgoing', key, outgoing: message, isFirst })
      next.set(key, row)
      rows.push(row)
      isAfterOwn = true
    }
    known = next
    return rows
  }
}

function keep(before: Row | undefined, now: Row): Row {
  const isSame =
    (before?.is === 'message' &&
      now.is === 'message' &&
      before.item === now.item &&
      before.isFirst === now.isFirst) ||
    (before?.is === 'outgoing' &&
      now.is === 'outgoing' &&
      before.outgoing === now.outgoing &&
      before.isFirst === now.isFirst)
  return isSame && before ? before : now
}

/** Whether one message goes on where the other stopped: by the same person, soon after. */
function continues(before: Item | undefined, item: Item): boolean {
  return (
    before !== undefined &&
    before.sender === item.sender &&
    Date.parse(item.at) - Date.parse(before.at) < sameBreathMs
  )
}

/** Asked for every message whenever one is added, and slow to find out. */
const daysOf = new WeakMap<Item, string>()

function dayOf(item: Item): string {
  const known = daysOf.get(item)
  if (known !== undefined) return known
  const day = new Date(item.at).toDateString()
  daysOf.set(item, day)
  return day
}
