import { isDeepStrictEqual } from 'node:util'
import { and, asc, eq, gt, inArray, isNull, sql } from 'drizzle-orm'
import type { Context, ValueOf } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { roomChanged } from '#schema/messages/member'
import type { Role, RoomKind } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { bans, members, rooms } from '#schema/tables/room'
import { replaceRoomKey } from './room-key.ts'
import { type Reader, withSharedRoomLocks } from './room-lock.ts'

/**
 * Key of the entry that marks a partition of the member index ROOMS_KV as complete. It starts with
 * `=`, which room ids cannot contain, so that it is never the key of a room.
 */
const marker = '=index'
const [roomBatchSize, memberBatchSize] = [200, 500]

export interface MembershipKey {
  room: RoomId
  userId: UserId
}

/**
 * Copies a membership from the database to the member index ROOMS_KV. Publishes `room.changed` if
 * the index had no entry for it. Returns false if the user is no longer a member.
 */
export async function indexMember(key: MembershipKey, context: Context): Promise<boolean> {
  return (await indexMembers([key], context)).length > 0
}

/**
 * Does the same as `indexMember` for several memberships. Returns those that are in the database.
 */
export async function indexMembers(
  keys: readonly MembershipKey[],
  context: Context,
): Promise<MembershipKey[]> {
  const indexed: MembershipKey[] = []
  for (let start = 0; start < keys.length; start += memberBatchSize) {
    const entries = await writeMembers(keys.slice(start, start + memberBatchSize), context)
    for (const { room, userId, isNew } of entries)
      if (isNew) context.publish(roomChanged, { room, userId, action: 'join' })
    indexed.push(...entries)
  }
  return indexed
}

export async function reindexRooms(ids: readonly RoomId[], context: Context): Promise<void> {
  const index = context.kv(ROOMS_KV)
  await withSharedRoomLocks(ids, async (tx) => {
    const persisted = await readRooms(ids, tx)
    await Promise.all(persisted.map(({ id, ...room }) => index.put(id, room)))
  })
}

/**
 * Deletes a room and its members from the member index ROOMS_KV. Keeps the key of a large room, because the event
 * that archives the room is encrypted with it. The caller must hold the room lock.
 */
export async function unindexRoom(room: RoomId, context: Context): Promise<void> {
  const index = context.kv(ROOMS_KV)
  await index.delete(room)
  const entries = await index.list(`${room}.*`)
  await Promise.all(entries.map(({ key }) => index.delete(key)))
}

let building: Promise<void> | undefined

/**
 * Reconciles the whole member index with the database if any partition has no marker, for instance
 * because its bucket was lost. Call this when an entry is missing from the member index, and read
 * the entry again if `wasBuilt` is true.
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

function isBuilt(context: Context): Promise<boolean> {
  checking ??= Promise.all(context.kv(ROOMS_KV).partitions.map((bucket) => bucket.get(marker)))
    .then((entries) => entries.every((entry) => entry !== undefined))
    .finally(() => {
      checking = undefined
    })
  return checking
}

/** Idempotent. Several processes may run this at the same time. */
async function buildIndex(context: Context): Promise<void> {
  let last: RoomId | undefined
  do last = await reconcileNext(last, { context, maxMembers: 5_000 })
  while (last !== undefined)
  const entry = { builtAt: new Date().toISOString() }
  await Promise.all(context.kv(ROOMS_KV).partitions.map((bucket) => bucket.put(marker, entry)))
  context.log.info('member index built')
}

/**
 * Reconciles the member index with the database for one batch of rooms with ids above `after`.
 * The rooms of a batch have at most `maxMembers` members together, except for a single room that has more.
 * Returns the last id of the batch, or undefined after the last batch.
 */
export async function reconcileNext(
  after: RoomId | undefined,
  { context, maxMembers }: { context: Context; maxMembers: number },
): Promise<RoomId | undefined> {
  const page = await db
    .select({ id: rooms.id })
    .from(rooms)
    .where(after === undefined ? undefined : gt(rooms.id, after))
    .orderBy(asc(rooms.id))
    .limit(roomBatchSize)
  const ids = page.map(({ id }) => id)
  const tooMany = await findRoomBeyond(maxMembers, after)
  const end = tooMany === undefined ? -1 : ids.indexOf(tooMany)
  const size = end < 0 ? ids.length : Math.max(end, 1)
  await reconcileRooms(ids.slice(0, size), context)
  return size === ids.length && size < roomBatchSize ? undefined : ids[size - 1]
}

/**
 * Skips the first `count` memberships of all rooms with ids above `after`, ordered by room id.
 * Returns the room of the next membership.
 */
async function findRoomBeyond(count: number, after: RoomId | undefined) {
  const [found] = await db
    .select({ room: members.room })
    .from(members)
    .where(after === undefined ? undefined : gt(members.room, after))
    .orderBy(asc(members.room), asc(members.userId))
    .offset(count)
    .limit(1)
  return found?.room
}

/**
 * Corrects the member index where it differs from the database. Compares without locks, and then
 * reads and writes each differing entry again under a room lock, because rooms may change
 * meanwhile.
 */
export async function reconcileRooms(ids: readonly RoomId[], context: Context): Promise<void> {
  const [indexed, persisted] = [await readIndexed(ids, context), await readPersisted(ids)]
  const keys = [...new Set([...indexed.keys(), ...persisted.keys()])]
  const wrong = keys.filter((key) => !isDeepStrictEqual(indexed.get(key), persisted.get(key)))
  if (wrong.length === 0) return

  const surplus = wrong.filter((key) => !persisted.has(key))
  await Promise.all(surplus.map((key) => context.kv(ROOMS_KV).delete(key)))
  const roomsOfSurplus = new Set(surplus.map((key) => parseKey(key).room))
  await Promise.all([...roomsOfSurplus].map((room) => replaceRoomKey(room, context)))
  const memberKeys = wrong.filter((key) => key.includes('.')).map(parseKey)
  for (let start = 0; start < memberKeys.length; start += memberBatchSize)
    await writeMembers(memberKeys.slice(start, start + memberBatchSize), context)
  await reindexRooms(wrong.filter((key) => !key.includes('.')) as RoomId[], context)
  context.log.info({ keys: wrong.length, surplus: surplus.length }, 'member index corrected')
}

type Value = ValueOf<typeof ROOMS_KV>

async function readIndexed(ids: readonly RoomId[], context: Context): Promise<Map<string, Value>> {
  const index = context.kv(ROOMS_KV)
  const entries = await Promise.all(
    ids.map(async (id) => [await index.get(id), ...(await index.list(`${id}.*`))]),
  )
  return new Map(entries.flat().flatMap((entry) => (entry ? [[entry.key, entry.value]] : [])))
}

async function readPersisted(ids: readonly RoomId[]): Promise<Map<string, Value>> {
  const persistedRooms = await readRooms(ids)
  const persistedMembers = await db
    .select(member)
    .from(members)
    .innerJoin(rooms, eq(rooms.id, members.room))
    .where(isActive(ids))
  return new Map<string, Value>([
    ...persistedRooms.map(({ id, ...room }) => [id, room] as const),
    ...persistedMembers.map(
      ({ room, userId, ...entry }) => [keyOf({ room, userId }), entry] as const,
    ),
  ])
}

function readRooms(ids: readonly RoomId[], from: Reader = db) {
  const closed = sql<boolean>`exists (select from ${bans} where ${bans.room} = ${rooms.id})`
  return from.select({ id: rooms.id, kind: rooms.kind, closed }).from(rooms).where(isActive(ids))
}

function isActive(ids: readonly RoomId[]) {
  return and(inArray(rooms.id, ids), isNull(rooms.archivedAt))
}

const member = { room: members.room, userId: members.userId, kind: rooms.kind, role: members.role }

/**
 * Copies memberships from the database to the member index. Skips those of `keys` that are not in
 * the database. `isNew` is true if the member index had no entry for the membership.
 */
function writeMembers(keys: readonly MembershipKey[], context: Context) {
  const index = context.kv(ROOMS_KV)
  const ids = [...new Set(keys.map(({ room }) => room))]
  // The query joins with `pair`, because PostgreSQL would read all members of the rooms for an `in`
  // condition.
  const pairs = sql`unnest(
    ${sql.param(keys.map(({ room }) => room))}::text[],
    ${sql.param(keys.map(({ userId }) => userId))}::text[]
  ) as pair (room, user_id)`
  const isPair = sql`(${members.room}, ${members.userId}) = (pair.room, pair.user_id)`
  return withSharedRoomLocks(ids, async (tx) => {
    const entries = await tx
      .select(member)
      .from(pairs)
      .innerJoin(members, isPair)
      .innerJoin(rooms, eq(rooms.id, members.room))
      .where(isNull(rooms.archivedAt))
    return Promise.all(entries.map(async (entry) => ({ ...entry, isNew: await write(entry) })))
  })

  async function write({
    kind,
    role,
    ...membership
  }: MembershipKey & { kind: RoomKind; role: Role }) {
    const key = keyOf(membership)
    if (await index.create(key, { kind, role })) return true
    const existing = await index.get(key)
    if (!isDeepStrictEqual(existing?.value, { kind, role })) await index.put(key, { kind, role })
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
