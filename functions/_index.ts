import { and, eq, isNull, not, sql } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { type Role, type RoomKind, roomChanged } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { bans, members, rooms } from '#schema/tables/room'

/** Says that the index has been made from the database. No id of a room looks like it. */
const marker = '=index'
/** How many members are written between two looks into the database. */
const pageSize = 1_000
/** How long a process relies on the index being there. */
const trustMs = 5_000

export interface Entry {
  room: RoomId
  kind: RoomKind
  userId: UserId
  role: Role
}

/** Puts a member where every function looks first, and tells of whoever was not there. */
export async function enterIndex(entry: Entry, context: Context): Promise<void> {
  const { room, kind, userId, role } = entry
  const index = context.kv(ROOMS_KV)
  const live = await index.get(`${room}.${userId}`)
  if (live && 'role' in live.value && live.value.role === role) return
  await index.put(`${room}.${userId}`, { kind, role })
  if (!live) context.publish(roomChanged, { room, action: 'join', userId })
}

/**
 * Ends a membership everywhere: `remove` does so in the database. Whoever is gone is gone from the
 * index first, so that nobody reads on if this process dies; and once more after, for a rebuild that
 * had seen them in the database.
 */
export async function leaveIndex<T>(
  { room, userId }: Pick<Entry, 'room' | 'userId'>,
  context: Context,
  remove: () => Promise<T>,
): Promise<T> {
  const index = context.kv(ROOMS_KV)
  const key = `${room}.${userId}`
  await index.delete(key)
  const removed = await remove()
  await index.delete(key)
  context.publish(roomChanged, { room, action: 'leave', userId })
  return removed
}

/** Writes how a room is told what happens in it. */
export async function openRoom(
  { id, kind }: { id: RoomId; kind: RoomKind },
  closed: boolean,
  context: Context,
): Promise<void> {
  await context.kv(ROOMS_KV).put(id, { kind, closed })
}

/** Takes a room and all who belong to it out of the index: from now on nobody reads it. */
export async function closeRoom(room: RoomId, context: Context): Promise<void> {
  const index = context.kv(ROOMS_KV)
  await index.delete(room)
  const entries = await index.list(`${room}.*`)
  await Promise.all(entries.map(({ key }) => index.delete(key)))
  context.publish(roomChanged, { room, action: 'archive' })
}

let trustedUntil = 0
let building: Promise<void> | undefined

/**
 * Makes the index from the database if it has been lost. For whoever finds nothing in it, before they
 * take that for an answer.
 */
export async function ensureIndex(context: Context): Promise<{ wasBuilt: boolean }> {
  if (performance.now() < trustedUntil) return { wasBuilt: false }
  const isThere = await context.kv(ROOMS_KV).get(marker)
  if (!isThere) {
    building ??= buildIndex(context).finally(() => {
      building = undefined
    })
    await building
  }
  trustedUntil = performance.now() + trustMs
  return { wasBuilt: !isThere }
}

/** Puts one archived room's members back, or everybody's. Any number of processes may do so at once. */
export async function buildIndex(context: Context, only?: RoomId): Promise<void> {
  const index = context.kv(ROOMS_KV)
  const isMeant = and(isNull(rooms.archivedAt), only === undefined ? undefined : eq(rooms.id, only))
  const isClosed = sql<boolean>`exists (select 1 from ${bans} where ${bans.room} = ${rooms.id})`
  const found = await db
    .select({ id: rooms.id, kind: rooms.kind, closed: isClosed })
    .from(rooms)
    .where(isMeant)
  for (const { id, kind, closed } of found) await index.create(id, { kind, closed })

  for (let last: Entry | undefined; ; ) {
    const page = await readMembers(last).limit(pageSize)
    const made = await Promise.all(page.map((entry) => create(entry)))
    // Whoever left while this was written may have been written back. The database knows.
    const still = new Set((await readMembers(last, page.at(-1))).map(keyOf))
    const wrong = page.filter((entry, at) => made[at] && !still.has(keyOf(entry)))
    await Promise.all(wrong.map((entry) => index.delete(keyOf(entry))))
    last = page.at(-1)
    if (page.length < pageSize) break
  }
  if (only === undefined) await index.put(marker, { builtAt: new Date().toISOString() })
  context.log.info({ rooms: found.length, room: only }, 'the index of members has been built')

  function create(entry: Entry) {
    return index.create(keyOf(entry), { kind: entry.kind, role: entry.role })
  }

  function readMembers(after: Entry | undefined, upTo?: Entry) {
    return db
      .select({ room: members.room, kind: rooms.kind, userId: members.userId, role: members.role })
      .from(members)
      .innerJoin(rooms, eq(rooms.id, members.room))
      .where(and(isMeant, after && isBehind(after), upTo && not(isBehind(upTo))))
      .orderBy(members.room, members.userId)
  }
}

function isBehind({ room, userId }: Entry) {
  return sql`(${members.room}, ${members.userId}) > (${room}, ${userId})`
}

function keyOf({ room, userId }: Pick<Entry, 'room' | 'userId'>) {
  return `${room}.${userId}`
}
