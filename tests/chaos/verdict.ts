import type { RoomId, UserId } from '#schema/ids'
import { mostUnread } from '#schema/messages/room'
import type { Evidence, Frame, Move } from './evidence.ts'
import { type Replayed, replay } from './replay.ts'

/** How long something may still be heard after somebody was removed, in milliseconds. */
const graceMs = 1_000

type Check = (evidence: Evidence, messages: ReturnType<typeof replay>) => string[]

/** What must hold after any run, whatever went wrong on the way. */
export const checks = {
  'every acknowledged message is in the log and in the database, once': findLost,
  'the database has of each room what the log has, in its order': compareRows,
  'every member sees of a room what the log has': compareViews,
  'what is told names the event before it': findBrokenChains,
  'nobody received what they may not see': findLeaks,
  'unread and mention counts are right': compareCounts,
  'the live index has the members that the database has': compareIndex,
  'nothing was given up': ({ deadLetters }) =>
    deadLetters > 0 ? [`${deadLetters} messages are in the dead letters`] : [],
} satisfies Record<string, Check>

/** What each check has found: nothing, where all is well. */
export function judge(evidence: Evidence): Record<string, string[]> {
  const messages = replay(evidence.log)
  return Object.fromEntries(
    Object.entries<Check>(checks).map(([name, check]) => [name, check(evidence, messages)]),
  )
}

function findLost({ acks, rows }: Evidence, messages: Map<string, Replayed>): string[] {
  const byClient = Map.groupBy(rows, ({ sender, clientId }) => `${sender} ${clientId}`)
  return acks.flatMap(({ user, room, clientId, id, seq }) => {
    const what = `${user}'s ${clientId} in ${room}, acknowledged as ${seq}`
    const found = byClient.get(`${user} ${clientId}`) ?? []
    if (!messages.has(id)) return [`${what}, is not in the log`]
    if (found.length !== 1) return [`${what}, is in the database ${found.length} times`]
    if (found[0]?.id !== id || found[0].room !== room)
      return [`${what}, is another in the database`]
    return found[0].seq === seq ? [] : [`${what}, has sequence ${found[0].seq} in the database`]
  })
}

function compareRows({ rows, reactions }: Evidence, messages: Map<string, Replayed>): string[] {
  const wrong: string[] = []
  const inRows = new Map(rows.map((row) => [row.id as string, row]))
  for (const [id, message] of messages) {
    const row = inRows.get(id)
    const what = `${message.room} ${message.seq}`
    if (!row) wrong.push(`${what} is not in the database`)
    else if (row.seq !== message.seq) wrong.push(`${what} is at ${row.seq} in the database`)
    else if (row.text !== message.text || row.isDeleted !== message.isDeleted)
      wrong.push(`${what} says "${message.text}", and in the database "${row.text}"`)
  }
  for (const { id, room, seq } of rows)
    if (!messages.has(id)) wrong.push(`${room} ${seq} is in the database and not in the log`)

  const put = Map.groupBy(reactions, ({ messageId }) => messageId as string)
  for (const [id, { room, seq, reactions: expected }] of messages) {
    const found = (put.get(id) ?? []).map(({ userId, emoji }) => `${userId} ${emoji}`)
    if (found.length !== expected.size || found.some((word) => !expected.has(word)))
      wrong.push(`${room} ${seq} has reactions ${[...expected]}, and in the database ${found}`)
  }
  return wrong
}

function compareViews({ views }: Evidence, messages: Map<string, Replayed>): string[] {
  const byRoom = Map.groupBy(messages, ([, { room }]) => room)
  return views.flatMap(({ user, room, messages: seen }) => {
    const expected = byRoom.get(room) ?? []
    const wrong = expected.flatMap(([id, { seq, text, isDeleted }]) => {
      const shown = seen.get(id as never)
      if (!shown) return isDeleted ? [] : [`${user} does not see ${room} ${seq}`]
      const isRight = shown.isDeleted === isDeleted && shown.text === text
      return isRight ? [] : [`${user} sees ${room} ${seq} as "${shown.text}", not "${text}"`]
    })
    const there = new Set<string>(expected.map(([id]) => id))
    const made = [...seen.keys()].filter((id) => !there.has(id))
    return [...wrong, ...made.map((id) => `${user} sees ${id} in ${room}, which nobody said`)]
  })
}

function findBrokenChains({ frames, log }: Evidence): string[] {
  const chainOf = (room: RoomId, threadId = '') => `${room} ${threadId}`
  const chains = Map.groupBy(log, ({ event }) =>
    chainOf(event.room, event.kind === 'message' ? event.threadId : ''),
  )
  return frames.flatMap(({ user, room, notice }) => {
    if (!notice) return []
    const { seq, prev, threadId } = notice
    const skipped = (chains.get(chainOf(room, threadId)) ?? []).filter(
      (placed) => placed.seq > prev && placed.seq < seq,
    )
    return skipped.length === 0
      ? []
      : [`${user} was told ${room} ${seq} as the one after ${prev}, over ${skipped.length} others`]
  })
}

function findLeaks({ rooms, moves, frames, reads, log }: Evidence): string[] {
  const kinds = new Map(rooms.map(({ id, kind }) => [id, kind]))
  const times = new Map(log.map(({ seq, event }) => [seq, Date.parse(event.at)]))
  const ofPair = Map.groupBy(moves, ({ user, room }) => `${user} ${room}`)
  const isOut = (user: UserId, room: RoomId, at: number, onlyKicked: boolean) =>
    isSurelyOut(ofPair.get(`${user} ${room}`) ?? [], at, onlyKicked)

  const leaked = frames.flatMap((frame) => {
    const { user, room, subject, notice } = frame
    if (isAboutThemselves(frame)) return []
    // What happened while they belonged there is theirs to hear, however late it comes.
    const at = (notice && times.get(notice.seq)) ?? frame.at
    const isLeak = isOut(user, room, at, kinds.get(room) === 'public')
    return isLeak
      ? [`${user} was told on ${subject}${notice ? `, of event ${notice.seq}` : ''}`]
      : []
  })
  const read = reads.flatMap(({ user, room, at, by }) =>
    isOut(user, room, at, false) ? [`${user} read ${room} by ${by}`] : [],
  )
  return [...leaked, ...read]
}

/** That they were removed is the last thing they are told of a room; what they read goes to them alone. */
function isAboutThemselves({ user, subject, notice }: Frame): boolean {
  const event = notice?.event
  if (event?.kind === 'room') return true
  if (event?.kind === 'member') return event.userId === user
  return /\.(read|rejected)\./.test(subject)
}

/**
 * Whether somebody cannot have belonged to a room at a time: never came, or was removed more than the
 * grace before, and nothing that might have brought them back was under way since.
 */
export function isSurelyOut(moves: readonly Move[], at: number, onlyKicked: boolean): boolean {
  const wayIn = moves.filter(({ way, start }) => way === 'in' && start <= at)
  if (wayIn.length === 0 && !onlyKicked) return true
  return moves.some(
    ({ way, isSure, isKick, start, end }) =>
      way === 'out' &&
      isSure &&
      (isKick || !onlyKicked) &&
      end + graceMs < at &&
      wayIn.every((move) => move.end < start),
  )
}

function compareCounts({ counts }: Evidence, messages: Map<string, Replayed>): string[] {
  const byRoom = Map.groupBy(messages.values(), ({ room }) => room)
  return counts.flatMap(({ user, room, readSeq, unread, mentions }) => {
    const unreadBy = (byRoom.get(room) ?? []).filter(
      ({ threadId, sender, seq, isDeleted }) =>
        threadId === '' && sender !== user && seq > readSeq && !isDeleted,
    )
    const expected = Math.min(unreadBy.length, mostUnread)
    const naming = unreadBy.filter((it) => it.mentions.includes(user)).length
    if (expected === unread && naming === mentions) return []
    return [
      `${user} has read ${room} up to ${readSeq}: ${expected} unread and ${naming} mentions, ` +
        `but ${unread} and ${mentions} by room.list`,
    ]
  })
}

function compareIndex({ rooms, members, index }: Evidence): string[] {
  const archived = new Set(
    rooms.filter(({ isArchived }) => isArchived).map(({ id }) => id as string),
  )
  const expected = new Set(members.filter((key) => !archived.has(key.split('.')[0] ?? '')))
  const found = new Set(index)
  return [
    ...[...expected].filter((key) => !found.has(key)).map((key) => `${key} is not in the index`),
    ...[...found].filter((key) => !expected.has(key)).map((key) => `${key} is only in the index`),
  ]
}
