import { isDeepStrictEqual } from 'node:util'
import type { RoomId, UserId } from '#schema/ids'
import { type Closing, chainOf, type Evidence, type Frame, type Move } from './evidence.ts'
import type { Replay } from './replay.ts'

/** How long something may still be heard after somebody was removed, in milliseconds. */
const graceMs = 1_000

export function compareViews({ views }: Evidence, messages: Replay): string[] {
  const byRoom = Map.groupBy(messages, ([, { room }]) => room)
  return views.flatMap(({ user, room, messages: seen, odd }) => {
    const expected = byRoom.get(room) ?? []
    const wrong = expected.flatMap(([id, { seq, threadId, text, isDeleted, reactions }]) => {
      const shown = seen.get(id)
      const what = `${room} ${seq}`
      if (!shown) return isDeleted ? [] : [`${user} does not see ${what}`]
      if (shown.seq !== seq || shown.threadId !== threadId)
        return [`${user} sees ${what} at ${shown.seq}, thread "${shown.threadId}"`]
      if (shown.isDeleted !== isDeleted || shown.text !== text)
        return [`${user} sees ${what} as "${shown.text}", not "${text}"`]
      if (isDeleted || isDeepStrictEqual(new Set(shown.reactions), reactions)) return []
      return [`${user} sees ${what} with ${[...shown.reactions]}, not ${[...reactions]}`]
    })
    const made = [...seen].filter(([id]) => messages.get(id)?.room !== room)
    return [
      ...wrong,
      ...made.map(([, { seq }]) => `${user} sees ${room} ${seq}, which nobody said there`),
      ...odd.map((line) => `${user} in ${room}: ${line}`),
    ]
  })
}

export function findWrongNotices({ frames, log }: Evidence): string[] {
  const events = new Map(log.map(({ seq, event }) => [seq, event]))
  const before = new Map<number, number>()
  const last = new Map<string, number>()
  for (const { seq, event } of log) {
    before.set(seq, last.get(chainOf(event)) ?? 0)
    last.set(chainOf(event), seq)
  }
  return frames.flatMap(({ user, notice }) => {
    if (!notice) return []
    const { room, seq, prev, event } = notice
    const kept = events.get(seq)
    // What is deleted is erased.
    if (!kept) return []
    if (event && !isDeepStrictEqual(event, kept))
      return [`${user} was told another ${room} ${seq} than the log has`]
    const skipped = before.get(seq) ?? 0
    return skipped <= prev && prev < seq
      ? []
      : [`${user} was told ${room} ${seq} as the one after ${prev}, over ${skipped}`]
  })
}

export function findLeaks(evidence: Evidence): string[] {
  const { rooms, moves, closings, frames, pauses, log } = evidence
  const kinds = new Map(rooms.map(({ id, kind }) => [id, kind]))
  const byPair = Map.groupBy(moves, ({ user, room }) => `${user} ${room}`)
  const byRoom = Map.groupBy(closings, ({ room }) => room)
  const times = new Map(log.map(({ seq, at }) => [seq, at]))
  const textTimes = new Map(
    log.flatMap(({ at, event }) =>
      'text' in event ? [[Number.parseInt(event.text, 10), at] as const] : [],
    ),
  )

  /** At all of these times, and before whoever was to tell them stood still. */
  const isOut = (user: UserId, room: RoomId, at: number[], hears: boolean) => {
    const paused = pauses.filter(({ start, end }) =>
      at.some((time) => start <= time && time <= end + graceMs),
    )
    const isPublic = hears && kinds.get(room) === 'public'
    return [...at, ...paused.map(({ start }) => start)].every(
      (time) =>
        isRemoved(byPair.get(`${user} ${room}`) ?? [], time, isPublic) ||
        isClosed(byRoom.get(room) ?? [], time),
    )
  }
  return frames.flatMap((frame) => {
    const { user, at, askedAt, room, notice, subject, said } = frame
    const isPush = askedAt === undefined
    // What happened while they belonged there is theirs to hear, however late it comes; and whoever
    // belongs there may read what happened before.
    const happened = notice && (times.get(notice.seq) ?? Date.parse(notice.event?.at ?? ''))
    const heard = happened ? [happened, at] : [at]
    const leaks = said
      .filter((text) => {
        // Nor may an answer hold what was said only after they went, however early they asked.
        const read = Math.max(askedAt ?? 0, textTimes.get(text.count) ?? 0)
        return isOut(user, text.room, isPush ? heard : [read], isPush)
      })
      .map(({ count, room }) => `${user} got text ${count} of ${room} on ${subject}`)
    if (!room || leaks.length > 0 || !isOut(user, room, heard, true)) return leaks
    if (isTheirs(frame) || isOfArchive(frame, byPair.get(`${user} ${room}`) ?? [], at)) return []
    return [`${user} was told of ${room} on ${subject}, event ${notice?.seq}`]
  })
}

/** That they were removed is the last thing they are told of a room; what they read goes to them alone. */
function isTheirs({ user, subject, notice }: Frame): boolean {
  const event = notice?.event
  return (event?.kind === 'member' && event.userId === user) || /\.(read|rejected)\./.test(subject)
}

/** Who is in a room is told that it is archived, and that it is back. */
function isOfArchive({ notice }: Frame, moves: readonly Move[], at: number): boolean {
  const event = notice?.event
  if (event?.kind !== 'room' || !['archive', 'restore'].includes(event.action)) return false
  return !isRemoved(moves, at, false)
}

/**
 * Whether somebody cannot have belonged to a room at a time: never came, or was removed more than the
 * grace before, and nothing that might have brought them back was under way since. A public room may
 * be heard by all but those who were kicked.
 */
export function isRemoved(moves: readonly Move[], at: number, isPublic: boolean): boolean {
  const ways = moves.filter(({ start }) => start <= at)
  const wayIn = ways.filter(({ way }) => way === 'in')
  if (wayIn.length === 0 && !isPublic) return true
  return ways.some(
    ({ way, isSure, isKick, start, end }) =>
      way === 'out' &&
      isSure &&
      (isKick || !isPublic) &&
      end + graceMs < at &&
      wayIn.every((move) => move.end < start),
  )
}

/** The same for a room that was archived. */
function isClosed(closings: readonly Closing[], at: number): boolean {
  const wayIn = closings.filter(({ way, start }) => way === 'in' && start <= at)
  return closings.some(
    ({ way, isSure, start, end }) =>
      way === 'out' && isSure && end + graceMs < at && wayIn.every((it) => it.end < start),
  )
}

/** Whose last move is certain, and was alone in its time, is where it has brought them. */
export function compareMembers({ moves, belonging }: Evidence): string[] {
  const byPair = Map.groupBy(moves, ({ user, room }) => `${room}.${user}`)
  return [...byPair].flatMap(([pair, all]) => {
    const last = all
      .filter(({ isSure }) => isSure)
      .sort((a, b) => a.end - b.end)
      .at(-1)
    if (!last || all.some(({ way, end }) => way !== last.way && end >= last.start)) return []
    if (belonging.has(pair) === (last.way === 'in')) return []
    const [what, is] = last.way === 'in' ? ['came', 'not there'] : ['went', 'still there']
    return [`${pair} ${what}, as was answered at ${new Date(last.end).toISOString()}, and is ${is}`]
  })
}
