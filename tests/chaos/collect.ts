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
import type { Evidence, Logged } from './evidence.ts'
import type { Story } from './story.ts'
import type { World } from './world.ts'

/**
 * Waits until nothing is under way any more: no function has anything to do, what is in the log is in
 * the database, and the index is as the database has it. What has not come to rest in time is for the
 * verdict to find.
 */
export async function settle(world: World, withinMs = 45_000): Promise<void> {
  const until = Date.now() + withinMs
  let quiet = 0
  while (quiet < 3 && Date.now() < until) {
    const isQuiet = await isAtRest(world).catch(() => false)
    quiet = isQuiet ? quiet + 1 : 0
    // Nobody tells when there is nothing left to do; asking again is the only way.
    await delay(100)
  }
  await Promise.all(world.people.map((person) => person.flush()))
}

async function isAtRest({ nc }: World): Promise<boolean> {
  const jsm = await jetstreamManager(nc)
  for (const name of ['persist', 'persist-thread']) {
    const { num_pending, num_ack_pending } = await jsm.consumers.info(CHAT_MESSAGES.stream, name)
    if (num_pending > 0 || num_ack_pending > 0) return false
  }
  if ((await countUnderWay(nc)) > 0) return false
  const expected = await readExpectedIndex()
  return isDeepStrictEqual(await readIndex(nc, expected.known), expected.entries)
}

async function countUnderWay(nc: World['nc']): Promise<number> {
  let underWay = 0
  const stats = await nc.requestMany('$SRV.STATS', '', {
    strategy: 'stall',
    stall: 300,
    maxWait: 3_000,
  })
  for await (const reply of stats) {
    const { endpoints } = reply.json<{ endpoints: { data?: { in_flight?: number } }[] }>()
    for (const { data } of endpoints) underWay += data?.in_flight ?? 0
  }
  return underWay
}

/** Looks everywhere for what has become of the story. */
export async function collectEvidence(
  world: World,
  story: Story,
  calm: string[],
): Promise<Evidence> {
  const { people, frames, pauses, crashes } = world
  const [roomRows, rows, words, versions, heads] = await Promise.all([
    db.select().from(rooms),
    db.select().from(messages).orderBy(messages.seq),
    db.select().from(reactions).where(eq(reactions.on, true)),
    db.select().from(messageVersions),
    db.select().from(roomHeads),
  ])
  const expected = await readExpectedIndex()
  const archived = new Set(roomRows.filter((it) => it.archivedAt).map(({ id }) => id))
  const memberRows = await db.select().from(members)

  const views: Evidence['views'] = []
  const counts: Evidence['counts'] = []
  for (const person of people) {
    const mine = memberRows.filter(
      ({ userId, room }) => userId === person.user && !archived.has(room),
    )
    for (const { room } of mine) {
      const view = person.follow(room)
      if (!(await view.catchUp())) calm.push(`${person.user} could not read ${room}`)
      views.push({ user: person.user, room, messages: view.messages, odd: view.odd })
    }
    const { rooms: listed } = await person.client.call('room.list', {})
    for (const { id, lastSeq, readSeq, unread, mentions } of listed)
      counts.push({ user: person.user, room: id, lastSeq, readSeq, unread, mentions })
  }
  return {
    ...story,
    frames,
    pauses,
    crashes,
    views,
    counts,
    calm,
    rooms: roomRows.map(({ id, kind, archivedAt }) => ({
      id,
      kind,
      isArchived: archivedAt !== null,
    })),
    log: await readLog(world.nc),
    rows: rows.map(({ deletedAt, ...row }) => ({ ...row, isDeleted: deletedAt !== null })),
    reactions: words,
    versions,
    heads,
    members: expected.entries,
    index: await readIndex(world.nc, expected.known),
    belonging: new Set(memberRows.map(({ room, userId }) => `${room}.${userId}`)),
    deadLetters: await readDeadLetters(world.nc),
  }
}

/** What the live index should hold of all rooms. */
async function readExpectedIndex() {
  const all = await db.select().from(rooms)
  const banned = new Set((await db.select().from(bans)).map(({ room }) => room))
  const live = new Map(all.filter((it) => !it.archivedAt).map((it) => [it.id, it.kind]))
  const entries = new Map<string, string>()
  for (const [id, kind] of live) entries.set(id, JSON.stringify({ kind, closed: banned.has(id) }))
  for (const { room, userId, role } of await db.select().from(members)) {
    const kind = live.get(room)
    if (kind) entries.set(`${room}.${userId}`, JSON.stringify({ kind, role }))
  }
  return { entries, known: new Set(all.map(({ id }) => id)) }
}

async function readIndex(nc: World['nc'], known: ReadonlySet<RoomId>) {
  const entries = new Map<string, string>()
  for (const { subject, header, ...stored } of await readStream(nc, `KV_${ROOMS_KV.bucket}`)) {
    const key = subject.slice(`$KV.${ROOMS_KV.bucket}.`.length)
    if (header.has('KV-Operation') || !known.has(key.split('.')[0] as RoomId)) continue
    const { kind, closed, role } = stored.json<Record<string, unknown>>()
    entries.set(key, JSON.stringify(role === undefined ? { kind, closed } : { kind, role }))
  }
  return entries
}

async function readLog(nc: World['nc']): Promise<Logged[]> {
  const stored = await readStream(nc, CHAT_MESSAGES.stream)
  return stored.map(({ subject, seq, time, ...message }) => {
    const [, room, , threadId] = subject.split('.')
    const place = threadId === undefined ? { room } : { room, threadId }
    const event = { ...message.json<RoomEvent>(), ...place } as RoomEvent
    return { seq, at: time.getTime(), event }
  })
}

async function readDeadLetters(nc: World['nc']): Promise<string[]> {
  const letters = await readStream(nc, 'DEAD_LETTERS')
  return letters.map(({ header }) => {
    const [subject, reason] = [header.get('Natter-Subject'), header.get('Natter-Reason')]
    return `${subject} is in the dead letters: ${reason}`
  })
}

/** All that a stream holds, in its order. */
async function readStream(nc: World['nc'], stream: string) {
  const jsm = await jetstreamManager(nc)
  const all: Pick<StoredMsg, 'subject' | 'seq' | 'header' | 'time' | 'json'>[] = []
  for (let seq = 1; ; seq = (all.at(-1)?.seq ?? 0) + 1) {
    const before = all.length
    const { state } = await jsm.streams.info(stream)
    if (seq > state.last_seq) return all
    for await (const stored of await jsm.direct.getBatch(stream, { seq, batch: 500 }))
      all.push({
        subject: stored.subject,
        seq: stored.seq,
        header: stored.header,
        time: stored.time,
        json: () => stored.json(),
      })
    if (all.length === before) return all
  }
}
