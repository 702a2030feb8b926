import { type MessageId, readNotifyId } from '#schema/ids'
import type { RoomEvent } from '#schema/messages/event'
import { maxUnread } from '#schema/messages/room'
import type { AckedChange, Count, Evidence } from './evidence.ts'
import type { Replay } from './replay.ts'
import { findTexts } from './wire.ts'

/** How long what was deleted may still be answered with, in milliseconds. */
const graceMs = 1_000
/** Unread counts include the newest messages of a room and its newest messages with mentions only. */
const maxScanned = 1_000
const maxMentionsScanned = 200

export function findLost({ acks, rows }: Evidence, messages: Replay): string[] {
  const byClient = Map.groupBy(rows, ({ sender, clientId }) => `${sender} ${clientId}`)
  return acks.flatMap(({ user, room, clientId, id, seq }) => {
    const what = `${user}'s ${clientId} in ${room}, acknowledged as ${seq}`
    const found = byClient.get(`${user} ${clientId}`) ?? []
    const message = messages.get(id)
    if (!message) return [`${what}, is not in the log`]
    if (message.seq !== seq) return [`${what}, has sequence ${message.seq} in the log`]
    if (found.length !== 1) return [`${what}, is in the database ${found.length} times`]
    if (found[0]?.id !== id || found[0].room !== room)
      return [`${what}, is another in the database`]
    return found[0].seq === seq ? [] : [`${what}, has sequence ${found[0].seq} in the database`]
  })
}

/** Also what nobody was told of may be there once at most. */
export function findDoubles({ rows }: Evidence): string[] {
  const byClient = Map.groupBy(rows, ({ sender, clientId }) => `${sender}'s ${clientId}`)
  const byText = Map.groupBy(
    rows.flatMap(({ seq, room, text }) =>
      findTexts(text).map(({ count }) => ({ count, seq, room })),
    ),
    ({ count }) => `text ${count}`,
  )
  return [...byClient, ...byText].flatMap(([what, all]) =>
    all.length === 1
      ? []
      : [`${what} is there ${all.length} times: ${all.map(({ room, seq }) => `${room} ${seq}`)}`],
  )
}

export function findUndone({ changes, log, rows }: Evidence, messages: Replay): string[] {
  const events = new Map(log.map(({ seq, event }) => [seq, event]))
  const deleted = new Set(rows.filter(({ isDeleted }) => isDeleted).map(({ id }) => id))
  return changes.flatMap((change) => {
    const { kind, user, room, id, seq } = change
    const message = messages.get(id)
    const isGone = message?.isDeleted && deleted.has(id)
    if (kind === 'delete') return isGone ? [] : [`${user} deleted ${room} ${message?.seq}, in vain`]
    if (isGone || isChange(events.get(seq), change)) return []
    // What was not there needs not be taken away.
    if (kind === 'react' && !change.on && seq === message?.seq) return []
    return [`${kind} of ${room} ${message?.seq} by ${user} is not what the log has at ${seq}`]
  })
}

function isChange(event: RoomEvent | undefined, { kind, user, id, text, emoji, on }: AckedChange) {
  if (!event || event.kind !== kind || event.kind === 'delete') return false
  if (event.by !== user || readNotifyId(event.message.notifyId).id !== id) return false
  return event.kind === 'edit' ? event.text === text : event.emoji === emoji && event.on === on
}

export function compareRows({ rows, reactions, heads, log }: Evidence, messages: Replay): string[] {
  const wrong: string[] = []
  const inRows = new Map(rows.map((row) => [row.id, row]))
  for (const [id, message] of messages) {
    const row = inRows.get(id)
    const what = `${message.room} ${message.seq}`
    if (!row) wrong.push(`${what} is not in the database`)
    else if (row.seq !== message.seq || row.threadId !== message.threadId)
      wrong.push(`${what} is at ${row.seq} in the database, thread "${row.threadId}"`)
    else if (row.text !== message.text || row.isDeleted !== message.isDeleted)
      wrong.push(`${what} says "${message.text}", and in the database "${row.text}"`)
    else if (String(row.mentions) !== String(message.mentions))
      wrong.push(`${what} names ${message.mentions}, and in the database ${row.mentions}`)
  }
  for (const { id, room, seq } of rows)
    if (!messages.has(id)) wrong.push(`${room} ${seq} is in the database and not in the log`)

  const put = Map.groupBy(reactions, ({ messageId }) => messageId)
  for (const [id, { room, seq, reactions: expected }] of messages) {
    const found = (put.get(id) ?? []).map(({ userId, emoji }) => `${userId} ${emoji}`)
    if (found.length !== expected.size || found.some((word) => !expected.has(word)))
      wrong.push(`${room} ${seq} has reactions ${[...expected]}, and in the database ${found}`)
  }

  const copied = new Map(heads.map(({ room, seq }) => [room, seq]))
  const last = new Map(log.map(({ seq, event }) => [event.room, seq]))
  for (const [room, seq] of last)
    if ((copied.get(room) ?? 0) < seq)
      wrong.push(`${room} goes to ${seq}, and in the database to ${copied.get(room)}`)
  return wrong
}

/** In the log, in the tables, and in what is answered: of a deleted message only its place is left. */
export function findRemains(evidence: Evidence, messages: Replay): string[] {
  const { acks, changes, log, rows, versions, frames } = evidence
  const isGone = (id: MessageId) => messages.get(id)?.isDeleted
  const said = [...acks, ...changes].filter(({ id, text }) => text !== undefined && isGone(id))
  const gone = new Map(
    said.flatMap(({ id, text = '' }) => findTexts(text).map(({ count }) => [count, id] as const)),
  )
  const isRemains = (text: string) => findTexts(text).some(({ count }) => gone.has(count))
  const deletedAt = new Map(
    changes.filter(({ kind }) => kind === 'delete').map(({ id, at }) => [id, at]),
  )
  return [
    ...log.flatMap(({ seq, event }) =>
      'text' in event && isRemains(event.text) ? [`the log still has ${seq}`] : [],
    ),
    ...[...rows, ...versions].flatMap(({ text }) =>
      isRemains(text) ? [`the database still has "${text}"`] : [],
    ),
    ...frames.flatMap(({ user, askedAt, said }) =>
      said.flatMap(({ count, room }) => {
        const id = gone.get(count)
        const at = id && deletedAt.get(id)
        if (!at || askedAt === undefined || askedAt <= at + graceMs) return []
        return [`${user} read text ${count} of ${room} ${askedAt - at} ms after its deletion`]
      }),
    ),
  ]
}

export function compareCounts(evidence: Evidence, messages: Replay): string[] {
  const byRoom = Map.groupBy(messages.values(), ({ room }) => room)
  return evidence.counts.flatMap((count) => {
    const { user, room, readSeq, unread, mentions } = count
    const after = (byRoom.get(room) ?? [])
      .filter(({ seq }) => seq > readSeq)
      .sort((a, b) => a.seq - b.seq)
    const inRoom = after.filter(({ threadId }) => threadId === '').slice(-maxScanned)
    const mentioning = after
      .filter(({ mentions }) => mentions.length > 0)
      .slice(-maxMentionsScanned)
      .filter((message) => message.mentions.includes(user))
    const inThreads = mentioning.filter(({ threadId }) => threadId !== '')
    const isCounted = ({ sender, isDeleted }: { sender: string; isDeleted: boolean }) =>
      sender !== user && !isDeleted
    const [expected, named] = [[...inRoom, ...inThreads], mentioning].map((messages) =>
      Math.min(messages.filter(isCounted).length, maxUnread),
    )
    const wrong = isReadPlace(count, evidence)
      ? []
      : [`${user} has read ${room} to ${readSeq} by room.list, which they did not say`]
    if (expected === unread && named === mentions) return wrong
    return [
      ...wrong,
      `${user} has read ${room} up to ${readSeq}: ${expected} unread and ${named} mentions, ` +
        `but ${unread} and ${mentions} by room.list`,
    ]
  })
}

/** What was answered last, or what had no answer and came later; before that, where they came in. */
function isReadPlace(count: Count, evidence: Evidence): boolean {
  const { user, room, readSeq } = count
  const { readMarks } = evidence
  const mine = readMarks.filter((mark) => mark.user === user && mark.room === room)
  const last = mine.findLast(({ isSure }) => isSure)
  if (readSeq === (last?.seq ?? 0) || (!last && isStart(count, evidence))) return true
  return mine.some(({ isSure, end, seq }) => !isSure && end >= (last?.start ?? 0) && readSeq <= seq)
}

/** Whoever comes begins with what is said afterwards: before the log has that they came. */
function isStart({ user, room, readSeq }: Count, { log }: Evidence): boolean {
  return log.some(({ seq, event }) => {
    const isJoin = event.kind === 'member' && event.action === 'join' && event.userId === user
    return isJoin && event.room === room && readSeq < seq
  })
}

export function compareIndex({ members, index }: Evidence): string[] {
  const keys = new Set([...members.keys(), ...index.keys()])
  return [...keys].flatMap((key) =>
    members.get(key) === index.get(key)
      ? []
      : [`${key} is ${index.get(key)} in the index, and should be ${members.get(key)}`],
  )
}
