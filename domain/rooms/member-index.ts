import { isDeepStrictEqual } from 'node:util'
import { and, asc, eq, gt, inArray, isNull, sql } from 'drizzle-orm'
import type { Context, ValueOf } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { type Role, type RoomKind, roomChanged } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { bans, members, rooms } from '#schema/tables/room'
import { type Reader, withSharedRoomLocks } from './room-lock.ts'

/** Says that the index has been made from the database. No id of a room looks like it. */
const marker = '=index'
/** How many rooms are compared at once, and how many members are written while theirs are held. */
const [roomsAtOnce, membersAtOnce] = [200, 500]

export interface MembershipKey {
  room: RoomId
  userId: UserId
}

/**
 * Puts a member where every function looks first, as the database has them, and tells of whoever was
 * not there. False for who does not belong there any more.
 */
export async function indexMember(place: MembershipKey, context: Context): Promise<boolean> {
  const [entry] = await writeMembers([place], context)
  if (entry?.isNew) context.publish(roomChanged, { ...place, action: 'join' })
  return entry !== undefined
}

/** Writes how rooms are told what happens in them. */
export async function reindexRooms(ids: readonly RoomId[], context: Context): Promise<void> {
  const index = context.kv(ROOMS_KV)
  await withSharedRoomLocks(ids, async (tx) => {
    const found = await readRooms(ids, tx)
    await Promise.all(found.map(({ id, ...room }) => index.put(id, room)))
  })
}

/** Takes a room and all who belong to it out of the index. For who holds the room. */
export async function unindexRoom(room: RoomId, context: Context): Promise<void> {
  const index = context.kv(ROOMS_KV)
  await index.delete(room)
  const entries = await index.list(`${room}.*`)
  await Promise.all(entries.map(({ key }) => index.delete(key)))
}

let building: Promise<void> | undefined

/**
 * Makes the index from the database if it has been lost. For whoever finds nothing in it, before they
 * take that for an answer.
 */
export async function ensureIndex(context: Context): Promise<{ wasBuilt: boolean }> {
  if (await isBuilt(context)) return { wasBuilt: false }
  building ??= buildIndex(context).finally(() => {
    building = undefined
  })
  await building
  return { wasBuilt: true }
}

let checking: Promise<boolean> | undefined

/** All who ask at the same moment ask once. */
function isBuilt(context: Context): Promise<boolean> {
  checking ??= context
    .kv(ROOMS_KV)
    .get(marker)
    .then((entry) => entry !== undefined)
    .finally(() => {
      checking = undefined
    })
  return checking
}

/** Any number of processes may do so at once. */
async function buildIndex(context: Context): Promise<void> {
  let last: RoomId | undefined
  do last = await reconcileNext(last, context)
  while (last !== undefined)
  await context.kv(ROOMS_KV).put(marker, { builtAt: new Date().toISOString() })
  context.log.info('the index of members has been built')
}

/**
 * Has the index say of the next rooms what the database does. Answers with the last of them;
 * undefined at the end.
 */
export async function reconcileNext(
  after: RoomId | undefined,
  context: Context,
): Promise<RoomId | undefined> {
  const page = await db
    .select({ id: rooms.id })
    .from(rooms)
    .where(after === undefined ? undefined : gt(rooms.id, after))
    .orderBy(asc(rooms.id))
    .limit(roomsAtOnce)
  const ids = page.map(({ id }) => id)
  await reconcileRooms(ids, context)
  return page.length < roomsAtOnce ? undefined : ids.at(-1)
}

/**
 * Has the index say of some rooms what the database does. What differs is only found here: it is
 * written while the room is held, as the database has it then, for it may be changing right now.
 */
export async function reconcileRooms(ids: readonly RoomId[], context: Context): Promise<void> {
  const [live, kept] = [await readIndexed(ids, context), await readPersisted(ids)]
  const keys = [...new Set([...live.keys(), ...kept.keys()])]
  const wrong = keys.filter((key) => !isDeepStrictEqual(live.get(key), kept.get(key)))
  if (wrong.length === 0) return

  const surplus = wrong.filter((key) => !kept.has(key))
  await Promise.all(surplus.map((key) => context.kv(ROOMS_KV).delete(key)))
  const places = wrong.filter((key) => key.includes('.')).map(parseKey)
  for (let at = 0; at < places.length; at += membersAtOnce)
    await writeMembers(places.slice(at, at + membersAtOnce), context)
  await reindexRooms(wrong.filter((key) => !key.includes('.')) as RoomId[], context)
  context.log.info({ keys: wrong.length, surplus: surplus.length }, 'the index has been put right')
}

type Value = ValueOf<typeof ROOMS_KV>

/** What the index has about some rooms, by key. */
async function readIndexed(ids: readonly RoomId[], context: Context): Promise<Map<string, Value>> {
  const index = context.kv(ROOMS_KV)
  const found = await Promise.all(
    ids.map(async (id) => [await index.get(id), ...(await index.list(`${id}.*`))]),
  )
  return new Map(found.flat().flatMap((entry) => (entry ? [[entry.key, entry.value]] : [])))
}

/** What it should have. */
async function readPersisted(ids: readonly RoomId[]): Promise<Map<string, Value>> {
  const found = await readRooms(ids)
  const present = await db
    .select(member)
    .from(members)
    .innerJoin(rooms, eq(rooms.id, members.room))
    .where(isLive(ids))
  return new Map<string, Value>([
    ...found.map(({ id, ...room }) => [id, room] as const),
    ...present.map(({ room, userId, ...entry }) => [keyOf({ room, userId }), entry] as const),
  ])
}

function readRooms(ids: readonly RoomId[], from: Reader = db) {
  const closed = sql<boolean>`exists (select from ${bans} where ${bans.room} = ${rooms.id})`
  return from.select({ id: rooms.id, kind: rooms.kind, closed }).from(rooms).where(isLive(ids))
}

function isLive(ids: readonly RoomId[]) {
  return and(inArray(rooms.id, ids), isNull(rooms.archivedAt))
}

const member = { room: members.room, userId: members.userId, kind: rooms.kind, role: members.role }

/** Writes those of some people who are members, and answers with them and whether they are new. */
function writeMembers(places: readonly MembershipKey[], context: Context) {
  const index = context.kv(ROOMS_KV)
  const ids = [...new Set(places.map(({ room }) => room))]
  const pairs = sql`select * from unnest(
    ${sql.param(places.map(({ room }) => room))}::text[],
    ${sql.param(places.map(({ userId }) => userId))}::text[]
  )`
  return withSharedRoomLocks(ids, async (tx) => {
    const entries = await tx
      .select(member)
      .from(members)
      .innerJoin(rooms, eq(rooms.id, members.room))
      .where(and(isLive(ids), sql`(${members.room}, ${members.userId}) in (${pairs})`))
    return Promise.all(entries.map(async (entry) => ({ ...entry, isNew: await write(entry) })))
  })

  async function write({ kind, role, ...place }: MembershipKey & { kind: RoomKind; role: Role }) {
    const key = keyOf(place)
    if (await index.create(key, { kind, role })) return true
    const live = await index.get(key)
    if (!isDeepStrictEqual(live?.value, { kind, role })) await index.put(key, { kind, role })
    return false
  }
}

function keyOf({ room, userId }: MembershipKey): string {
  return `${room}.${userId}`
}

function parseKey(key: string): MembershipKey {
  const [room, userId] = key.split('.')
  return { room: room as RoomId, userId: userId as UserId }
}
