import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import { eq } from 'drizzle-orm'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import type { RoomEvent } from '#schema/messages/event'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { messages, messageVersions, reactions, roomHeads } from '#schema/tables/message'
import { bans, members, rooms } from '#schema/tables/room'
import type { Evidence, LogEntry } from './evidence.ts'
import type { OperationHistory } from './operation-history.ts'
import type { SystemUnderTest } from './system-under-test.ts'

/**
 * Waits until no call is in flight, all events are persisted, and ROOMS_KV matches the database.
 * Stops waiting after `withinMs`.
 */
export async function settle(system: SystemUnderTest, withinMs = 45_000): Promise<void> {
  const deadline = Date.now() + withinMs
  let settledCount = 0
  while (settledCount < 3 && Date.now() < deadline) {
    settledCount = (await isSettled(system).catch(() => false)) ? settledCount + 1 : 0
    await delay(100)
  }
  await Promise.all(system.users.map((user) => user.flush()))
}

async function isSettled(system: SystemUnderTest): Promise<boolean> {
  const jsm = await jetstreamManager(system.nc)
  for (const { stream } of system.partitions.streamsOf(CHAT_MESSAGES))
    for (const name of ['persist', 'persist-thread']) {
      const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, name)
      if (num_pending > 0 || num_ack_pending > 0) return false
    }
  if ((await countInFlight(system.nc)) > 0) return false
  const expected = await readExpectedIndex()
  return isDeepStrictEqual(await readIndex(system, expected.roomIds), expected.entries)
}

async function countInFlight(nc: SystemUnderTest['nc']): Promise<number> {
  let inFlight = 0
  const stats = await nc.requestMany('$SRV.STATS', '', {
    strategy: 'stall',
    stall: 300,
    maxWait: 3_000,
  })
  for await (const reply of stats) {
    const { endpoints } = reply.json<{ endpoints: { data?: { in_flight?: number } }[] }>()
    for (const { data } of endpoints) inFlight += data?.in_flight ?? 0
  }
  return inFlight
}

export async function collectEvidence(
  system: SystemUnderTest,
  history: OperationHistory,
  failedAfterFaults: string[],
): Promise<Evidence> {
  const { users, frames, pauses, crashes } = system
  const [roomRows, rows, reactionRows, versions, heads] = await Promise.all([
    db.select().from(rooms),
    db.select().from(messages).orderBy(messages.seq),
    db.select().from(reactions).where(eq(reactions.on, true)),
    db.select().from(messageVersions),
    db.select().from(roomHeads),
  ])
  const expected = await readExpectedIndex()
  const archived = new Set(roomRows.filter(({ archivedAt }) => archivedAt).map(({ id }) => id))
  const memberRows = await db.select().from(members)

  const views: Evidence['views'] = []
  const counts: Evidence['counts'] = []
  for (const { userId: user, client, follow } of users) {
    const memberships = memberRows.filter(
      ({ userId, room }) => userId === user && !archived.has(room),
    )
    for (const { room } of memberships) {
      const view = follow(room)
      if (!(await view.catchUp())) failedAfterFaults.push(`${user} cannot read ${room}`)
      views.push({ user, room, messages: view.messages, violations: view.violations })
    }
    const { rooms: listed } = await client.call('room.list', {})
    for (const { id, lastSeq, readSeq, unread, mentions } of listed)
      counts.push({ user, room: id, lastSeq, readSeq, unread, mentions })
  }
  return {
    ...history,
    frames,
    pauses,
    crashes,
    views,
    counts,
    failedAfterFaults,
    rooms: roomRows.map(({ id, kind, archivedAt }) => ({
      id,
      kind,
      isArchived: archivedAt !== null,
    })),
    log: await readLog(system),
    rows: rows.map(({ deletedAt, ...row }) => ({ ...row, isDeleted: deletedAt !== null })),
    reactions: reactionRows,
    versions,
    heads,
    expectedIndex: expected.entries,
    index: await readIndex(system, expected.roomIds),
    storedMembers: new Set(memberRows.map(({ room, userId }) => `${room}.${userId}`)),
    deadLetters: await readDeadLetters(system.nc),
  }
}

async function readExpectedIndex() {
  const all = await db.select().from(rooms)
  const banned = new Set((await db.select().from(bans)).map(({ room }) => room))
  const live = new Map(
    all.filter(({ archivedAt }) => !archivedAt).map(({ id, kind }) => [id, kind]),
  )
  const entries = new Map<string, string>()
  for (const [id, kind] of live) entries.set(id, JSON.stringify({ kind, closed: banned.has(id) }))
  for (const { room, userId, role } of await db.select().from(members)) {
    const kind = live.get(room)
    if (kind) entries.set(`${room}.${userId}`, JSON.stringify({ kind, role }))
  }
  return { entries, roomIds: new Set(all.map(({ id }) => id)) }
}

async function readIndex({ nc, partitions }: SystemUnderTest, roomIds: ReadonlySet<RoomId>) {
  const entries = new Map<string, string>()
  for (const { bucket } of partitions.bucketsOf(ROOMS_KV))
    for (const { subject, header, ...stored } of await readStream(nc, `KV_${bucket}`)) {
      const key = subject.slice(`$KV.${bucket}.`.length)
      if (header.has('KV-Operation') || !roomIds.has(key.split('.')[0] as RoomId)) continue
      const { kind, closed, role } = stored.json<Record<string, unknown>>()
      entries.set(key, JSON.stringify(role === undefined ? { kind, closed } : { kind, role }))
    }
  return entries
}

async function readLog({ nc, partitions }: SystemUnderTest): Promise<LogEntry[]> {
  const streams = partitions.streamsOf(CHAT_MESSAGES)
  const stored = (await Promise.all(streams.map(({ stream }) => readStream(nc, stream)))).flat()
  return stored.map(({ subject, seq, time, ...message }) => {
    const [, room, , threadId] = subject.split('.')
    const position = threadId === undefined ? { room } : { room, threadId }
    const event = { ...message.json<RoomEvent>(), ...position } as RoomEvent
    return { seq, at: time.getTime(), event }
  })
}

async function readDeadLetters(nc: SystemUnderTest['nc']): Promise<string[]> {
  const deadLetters = await readStream(nc, 'DEAD_LETTERS')
  return deadLetters.map(({ header }) => {
    const [subject, reason] = [header.get('Natter-Subject'), header.get('Natter-Reason')]
    return `${subject} is dead-lettered: ${reason}`
  })
}

async function readStream(nc: SystemUnderTest['nc'], stream: string) {
  const jsm = await jetstreamManager(nc)
  const storedMessages: Pick<StoredMsg, 'subject' | 'seq' | 'header' | 'time' | 'json'>[] = []
  for (let seq = 1; ; seq = (storedMessages.at(-1)?.seq ?? 0) + 1) {
    const countBefore = storedMessages.length
    const { state } = await jsm.streams.info(stream)
    if (state.messages === 0 || seq > state.last_seq) return storedMessages
    for await (const stored of await jsm.direct.getBatch(stream, { seq, batch: 500 }))
      storedMessages.push({
        subject: stored.subject,
        seq: stored.seq,
        header: stored.header,
        time: stored.time,
        json: () => stored.json(),
      })
    if (storedMessages.length === countBefore) return storedMessages
  }
}
