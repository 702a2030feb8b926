import { isDeepStrictEqual } from 'node:util'
import type { RoomId, UserId } from '#schema/ids'
import {
  type ArchiveOperation,
  chainOf,
  type Evidence,
  type Frame,
  type MembershipOperation,
} from './evidence.ts'
import type { Replay } from './replay.ts'

/** A user may still receive the events of a room for this time after their removal from it. */
const graceMs = 1_000

export function compareViewsWithLog({ views }: Evidence, messages: Replay): string[] {
  const byRoom = Map.groupBy(messages, ([, { room }]) => room)
  return views.flatMap(({ user, room, messages: viewed, violations }) => {
    const expected = byRoom.get(room) ?? []
    const differences = expected.flatMap(([id, { seq, threadId, text, isDeleted, reactions }]) => {
      const shown = viewed.get(id)
      const subject = `${room} ${seq}`
      if (!shown) return isDeleted ? [] : [`${user} does not see ${subject}`]
      if (shown.seq !== seq || shown.threadId !== threadId)
        return [`${user} sees ${subject} with sequence ${shown.seq} and thread "${shown.threadId}"`]
      if (shown.isDeleted !== isDeleted || shown.text !== text)
        return [`${user} sees ${subject} as "${shown.text}", not "${text}"`]
      if (isDeleted || isDeepStrictEqual(new Set(shown.reactions), reactions)) return []
      return [
        `${user} sees ${subject} with reactions ${[...shown.reactions]}, not ${[...reactions]}`,
      ]
    })
    const unknown = [...viewed].filter(([id]) => messages.get(id)?.room !== room)
    return [
      ...differences,
      ...unknown.map(([, { seq }]) => `${user} sees ${room} ${seq}, which is not in the log`),
      ...violations.map((line) => `${user} in ${room}: ${line}`),
    ]
  })
}

export function findWrongNotices({ frames, log }: Evidence): string[] {
  const events = new Map(log.map(({ seq, event }) => [seq, event]))
  const previous = new Map<number, number>()
  const last = new Map<string, number>()
  for (const { seq, event } of log) {
    previous.set(seq, last.get(chainOf(event)) ?? 0)
    last.set(chainOf(event), seq)
  }
  return frames.flatMap(({ user, notice }) => {
    if (!notice) return []
    const { room, seq, prev, event } = notice
    const stored = events.get(seq)
    // If the log has no event with this sequence, the message was deleted and its event was purged.
    if (!stored) return []
    if (event && !isDeepStrictEqual(event, stored))
      return [`${user} received another event ${room} ${seq} than the log has`]
    const expectedPrev = previous.get(seq) ?? 0
    return expectedPrev <= prev && prev < seq
      ? []
      : [
          `${user} received ${room} ${seq} with prev ${prev}, but the log has ${expectedPrev} before it`,
        ]
  })
}

export function findLeaks(evidence: Evidence): string[] {
  const { rooms, membershipOperations, unbanOperations, archiveOperations } = evidence
  const { frames, pauses, log } = evidence
  const kinds = new Map(rooms.map(({ id, kind }) => [id, kind]))
  const byPair = Map.groupBy(membershipOperations, ({ user, room }) => `${user} ${room}`)
  const unbans = unbanOperations.map((operation) => ({ ...operation, action: 'join' as const }))
  const publicByPair = Map.groupBy(
    [...membershipOperations, ...unbans],
    ({ user, room }) => `${user} ${room}`,
  )
  const byRoom = Map.groupBy(archiveOperations, ({ room }) => room)
  const times = new Map(log.map(({ seq, at }) => [seq, at]))
  const textTimes = new Map(
    log.flatMap(({ at, event }) =>
      'text' in event ? [[Number.parseInt(event.text, 10), at] as const] : [],
    ),
  )

  /** A pause of a runtime delays events, so access at the start of a recent pause is sufficient. */
  const lacksAccess = (user: UserId, room: RoomId, at: number[]) => {
    const paused = pauses.filter(({ start, end }) =>
      at.some((time) => start <= time && time <= end + graceMs),
    )
    const isPublic = kinds.get(room) === 'public'
    const operations = (isPublic ? publicByPair : byPair).get(`${user} ${room}`) ?? []
    return [...at, ...paused.map(({ start }) => start)].every(
      (time) => isRemoved(operations, time, isPublic) || isArchived(byRoom.get(room) ?? [], time),
    )
  }
  return frames.flatMap((frame) => {
    const { user, at, requestedAt, room, notice, subject, texts } = frame
    const isPush = requestedAt === undefined
    // A push is allowed if the user had access when the event was stored or when it was delivered.
    const storedAt = notice && (times.get(notice.seq) ?? Date.parse(notice.event?.at ?? ''))
    const pushTimes = storedAt ? [storedAt, at] : [at]
    const leaks = texts
      .filter((text) => {
        // An answer is allowed if the user had access when the runtime read the text. This cannot
        // have been before the call began, or before the text was sent.
        const readAt = Math.max(requestedAt ?? 0, textTimes.get(text.count) ?? 0)
        return lacksAccess(user, text.room, isPush ? pushTimes : [readAt])
      })
      .map(({ count, room }) => `${user} received text ${count} of ${room} on ${subject}`)
    if (!room || leaks.length > 0 || !lacksAccess(user, room, pushTimes)) return leaks
    if (isOwnNotice(frame) || isArchiveNotice(frame, byPair.get(`${user} ${room}`) ?? [], at))
      return []
    return [`${user} received event ${notice?.seq} of ${room} on ${subject}`]
  })
}

function isOwnNotice({ user, subject, notice }: Frame): boolean {
  const event = notice?.event
  return (
    (event?.kind === 'member' && event.userId === user) ||
    /\.(read|rejected|invitation)\./.test(subject)
  )
}

function isArchiveNotice(
  { notice }: Frame,
  membershipOperations: readonly MembershipOperation[],
  at: number,
): boolean {
  const event = notice?.event
  if (event?.kind !== 'room' || !['archive', 'restore'].includes(event.action)) return false
  return !isRemoved(membershipOperations, at, false)
}

/**
 * Returns true if the user had never joined, or if an acknowledged leave ended more than `graceMs`
 * before `at`. With `isPublic`, returns true only for kicked users, because all others may read a
 * public room.
 */
export function isRemoved(
  membershipOperations: readonly MembershipOperation[],
  at: number,
  isPublic: boolean,
): boolean {
  const started = membershipOperations.filter(({ start }) => start <= at)
  const joins = started.filter(({ action }) => action === 'join')
  if (joins.length === 0 && !isPublic) return true
  return started.some(
    ({ action, isAcknowledged, isKick, start, end }) =>
      action === 'leave' &&
      isAcknowledged &&
      (isKick || !isPublic) &&
      end + graceMs < at &&
      joins.every((join) => join.end < start),
  )
}

function isArchived(archiveOperations: readonly ArchiveOperation[], at: number): boolean {
  const restores = archiveOperations.filter(
    ({ action, start }) => action === 'restore' && start <= at,
  )
  return archiveOperations.some(
    ({ action, isAcknowledged, start, end }) =>
      action === 'archive' &&
      isAcknowledged &&
      end + graceMs < at &&
      restores.every((restore) => restore.end < start),
  )
}

/**
 * Compares the members with the acknowledged joins and leaves. Skips a membership whose last
 * acknowledged operation overlapped with one in the opposite direction.
 */
export function checkMembers({ membershipOperations, storedMembers }: Evidence): string[] {
  const byPair = Map.groupBy(membershipOperations, ({ user, room }) => `${room}.${user}`)
  return [...byPair].flatMap(([pair, all]) => {
    const last = all
      .filter(({ isAcknowledged }) => isAcknowledged)
      .sort((a, b) => a.end - b.end)
      .at(-1)
    if (!last || all.some(({ action, end }) => action !== last.action && end >= last.start))
      return []
    if (storedMembers.has(pair) === (last.action === 'join')) return []
    const [change, state] =
      last.action === 'join' ? ['joined', 'is no member'] : ['left', 'is still a member']
    return [`${pair} ${change}, acknowledged at ${new Date(last.end).toISOString()}, but ${state}`]
  })
}
