import { type MessageId, readNotifyId } from '#schema/ids'
import type { RoomEvent } from '#schema/messages/event'
import { maxUnread } from '#schema/messages/room'
import type { AcknowledgedChange, Evidence, RoomCounts } from './evidence.ts'
import { findMarkedTexts } from './frame-recorder.ts'
import type { Replay } from './replay.ts'

/** A call may still return a deleted text within this time after the deletion. */
const graceMs = 1_000
/** `room.list` looks only at the newest 1,000 messages, and at the newest 200 with mentions. */
const maxScanned = 1_000
const maxMentionsScanned = 200

export function findLostMessages({ acks, rows }: Evidence, messages: Replay): string[] {
  const byClient = Map.groupBy(rows, ({ sender, clientId }) => `${sender} ${clientId}`)
  return acks.flatMap(({ user, room, clientId, id, seq }) => {
    const subject = `${user}'s ${clientId} in ${room}, acknowledged as ${seq}`
    const stored = byClient.get(`${user} ${clientId}`) ?? []
    const message = messages.get(id)
    if (!message) return [`${subject}, is not in the log`]
    if (message.seq !== seq) return [`${subject}, has sequence ${message.seq} in the log`]
    if (stored.length !== 1) return [`${subject}, is in the database ${stored.length} times`]
    if (stored[0]?.id !== id || stored[0].room !== room)
      return [`${subject}, is a different message in the database`]
    return stored[0].seq === seq
      ? []
      : [`${subject}, has sequence ${stored[0].seq} in the database`]
  })
}

export function findDuplicates({ rows }: Evidence): string[] {
  const byClient = Map.groupBy(rows, ({ sender, clientId }) => `${sender}'s ${clientId}`)
  const byText = Map.groupBy(
    rows.flatMap(({ seq, room, text }) =>
      findMarkedTexts(text).map(({ count }) => ({ count, seq, room })),
    ),
    ({ count }) => `text ${count}`,
  )
  return [...byClient, ...byText].flatMap(([subject, all]) =>
    all.length === 1
      ? []
      : [
          `${subject} is stored ${all.length} times: ${all.map(({ room, seq }) => `${room} ${seq}`)}`,
        ],
  )
}

export function findLostChanges({ changes, log, rows }: Evidence, messages: Replay): string[] {
  const events = new Map(log.map(({ seq, event }) => [seq, event]))
  const deleted = new Set(rows.filter(({ isDeleted }) => isDeleted).map(({ id }) => id))
  return changes.flatMap((change) => {
    const { kind, user, room, id, seq } = change
    const message = messages.get(id)
    const isDeleted = message?.isDeleted && deleted.has(id)
    if (kind === 'delete')
      return isDeleted ? [] : [`${user} deleted ${room} ${message?.seq}, but it is still stored`]
    if (isDeleted || matchesChange(events.get(seq), change)) return []
    // Removing a reaction that does not exist appends no event. The acknowledged sequence is then
    // that of the message.
    if (kind === 'react' && !change.on && seq === message?.seq) return []
    return [`${kind} of ${room} ${message?.seq} by ${user} does not match the log's event ${seq}`]
  })
}

function matchesChange(
  event: RoomEvent | undefined,
  { kind, user, id, text, emoji, on }: AcknowledgedChange,
) {
  if (!event || event.kind !== kind || event.kind === 'delete') return false
  if (event.by !== user || readNotifyId(event.message.notifyId).id !== id) return false
  return event.kind === 'edit' ? event.text === text : event.emoji === emoji && event.on === on
}

export function compareDatabaseWithLog(
  { rows, reactions, heads, log }: Evidence,
  messages: Replay,
): string[] {
  const violations: string[] = []
  const rowsById = new Map(rows.map((row) => [row.id, row]))
  for (const [id, message] of messages) {
    const row = rowsById.get(id)
    const subject = `${message.room} ${message.seq}`
    if (!row) violations.push(`${subject} is not in the database`)
    else if (row.seq !== message.seq || row.threadId !== message.threadId)
      violations.push(
        `${subject} has sequence ${row.seq} and thread "${row.threadId}" in the database`,
      )
    else if (row.text !== message.text || row.isDeleted !== message.isDeleted)
      violations.push(`${subject} has text "${message.text}", but "${row.text}" in the database`)
    else if (String(row.mentions) !== String(message.mentions))
      violations.push(
        `${subject} mentions ${message.mentions}, but ${row.mentions} in the database`,
      )
  }
  for (const { id, room, seq } of rows)
    if (!messages.has(id)) violations.push(`${room} ${seq} is in the database but not in the log`)

  const byMessage = Map.groupBy(reactions, ({ messageId }) => messageId)
  for (const [id, { room, seq, reactions: expected }] of messages) {
    const actual = (byMessage.get(id) ?? []).map(({ userId, emoji }) => `${userId} ${emoji}`)
    if (actual.length !== expected.size || actual.some((reaction) => !expected.has(reaction)))
      violations.push(
        `${room} ${seq} has reactions ${[...expected]}, but ${actual} in the database`,
      )
  }

  const persisted = new Map(heads.map(({ room, seq }) => [room, seq]))
  const last = new Map(log.map(({ seq, event }) => [event.room, seq]))
  for (const [room, seq] of last)
    if ((persisted.get(room) ?? 0) < seq)
      violations.push(`${room} ends at ${seq}, but at ${persisted.get(room)} in the database`)
  return violations
}

export function findUnerasedTexts(evidence: Evidence, messages: Replay): string[] {
  const { acks, changes, log, rows, versions, frames } = evidence
  const isDeleted = (id: MessageId) => messages.get(id)?.isDeleted
  const texts = [...acks, ...changes].filter(({ id, text }) => text !== undefined && isDeleted(id))
  const deletedTexts = new Map(
    texts.flatMap(({ id, text = '' }) =>
      findMarkedTexts(text).map(({ count }) => [count, id] as const),
    ),
  )
  const hasDeletedText = (text: string) =>
    findMarkedTexts(text).some(({ count }) => deletedTexts.has(count))
  const deletedAt = new Map(
    changes.filter(({ kind }) => kind === 'delete').map(({ id, at }) => [id, at]),
  )
  return [
    ...log.flatMap(({ seq, event }) =>
      'text' in event && hasDeletedText(event.text) ? [`the log still has the text of ${seq}`] : [],
    ),
    ...[...rows, ...versions].flatMap(({ text }) =>
      hasDeletedText(text) ? [`the database still has "${text}"`] : [],
    ),
    ...frames.flatMap(({ user, requestedAt, texts }) =>
      texts.flatMap(({ count, room }) => {
        const id = deletedTexts.get(count)
        const at = id && deletedAt.get(id)
        if (!at || requestedAt === undefined || requestedAt <= at + graceMs) return []
        return [`${user} read text ${count} of ${room} ${requestedAt - at} ms after its deletion`]
      }),
    ),
  ]
}

export function checkUnreadCounts(evidence: Evidence, messages: Replay): string[] {
  const byRoom = Map.groupBy(messages.values(), ({ room }) => room)
  return evidence.counts.flatMap((count) => {
    const { user, room, readSeq, unread, mentions } = count
    const after = (byRoom.get(room) ?? [])
      .filter(({ seq }) => seq > readSeq)
      .sort((a, b) => a.seq - b.seq)
    const inRoom = after.filter(({ threadId }) => threadId === '').slice(-maxScanned)
    // A reply marks its thread as read up to a sequence that is not recorded. So mentions in
    // threads in which the user has replied may or may not count.
    const replies = (byRoom.get(room) ?? []).filter(({ threadId }) => threadId !== '')
    const answered = new Set(
      replies.filter(({ sender }) => sender === user).map(({ threadId }) => threadId),
    )
    const mentioning = after
      .filter(({ mentions }) => mentions.length > 0)
      .slice(-maxMentionsScanned)
      .filter(({ mentions, threadId }) => mentions.includes(user) && !answered.has(threadId))
    const inThreads = mentioning.filter(({ threadId }) => threadId !== '')
    const isCounted = ({ sender, isDeleted }: { sender: string; isDeleted: boolean }) =>
      sender !== user && !isDeleted
    // The read positions of followed threads are not recorded, so the counts have a minimum and a
    // maximum.
    const [expected = 0, mentionCount = 0, most = 0, mostMentions = 0] = [
      [...inRoom, ...inThreads],
      mentioning,
      [...inRoom, ...replies],
      [...mentioning, ...replies.filter((reply) => reply.mentions.includes(user))],
    ].map((messages) => Math.min(messages.filter(isCounted).length, maxUnread))
    const violations = isPlausibleReadSeq(count, evidence)
      ? []
      : [`room.list returns read position ${readSeq} of ${user} in ${room}, which no call set`]
    const isPossible = expected <= unread && unread <= most
    if (isPossible && mentionCount <= mentions && mentions <= mostMentions) return violations
    return [
      ...violations,
      `${user} has read ${room} up to ${readSeq}: ${expected} unread and ${mentionCount} mentions, ` +
        `but room.list returns ${unread} and ${mentions}`,
    ]
  })
}

/**
 * Returns whether the read position is that of the last acknowledged call or of a later
 * unacknowledged call. Without an acknowledged call, it can also be the initial position.
 */
function isPlausibleReadSeq(count: RoomCounts, evidence: Evidence): boolean {
  const { user, room, readSeq } = count
  const { readOperations } = evidence
  const own = readOperations.filter((read) => read.user === user && read.room === room)
  const last = own.findLast(({ isAcknowledged }) => isAcknowledged)
  if (readSeq === (last?.seq ?? 0) || (!last && isJoinPosition(count, evidence))) return true
  return own.some(
    ({ isAcknowledged, end, seq }) =>
      !isAcknowledged && end >= (last?.start ?? 0) && readSeq <= seq,
  )
}

function isJoinPosition({ user, room, readSeq }: RoomCounts, { log }: Evidence): boolean {
  return log.some(({ seq, event }) => {
    const isJoin = event.kind === 'member' && event.action === 'join' && event.userId === user
    return isJoin && event.room === room && readSeq < seq
  })
}

export function compareIndexWithDatabase({ expectedIndex, index }: Evidence): string[] {
  const keys = new Set([...expectedIndex.keys(), ...index.keys()])
  return [...keys].flatMap((key) =>
    expectedIndex.get(key) === index.get(key)
      ? []
      : [`${key} is ${index.get(key)} in the index, but should be ${expectedIndex.get(key)}`],
  )
}
