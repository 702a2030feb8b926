import { and, eq, notExists } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import * as v from 'valibot'
import type { Context, ParsedDataOf } from '#runtime'
import { db } from '#schema/db'
import type { KeyId, RoomId, UserId } from '#schema/ids'
import { type roomChanged, roomMembers } from '#schema/messages/member'
import type { RoomKind } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { bans, members as membersTable, rooms as roomsTable } from '#schema/tables/room'
import { maxEntries } from '../cache/max-entries.ts'
import { absent, fetchOrAbsent, fetchWithAgedTtl } from '../cache/ttl.ts'
import { ensureIndex } from './member-index.ts'
import { ensureRoomKey, evictRoomKey, findRoomKey, isSettled, type StoredKey } from './room-key.ts'

interface IndexedRoom {
  kind: RoomKind
  closed: boolean
}

const defaultCacheSize = 1_000
const invalidCacheSize = 'ROOM_CACHE_SIZE must be a whole number from 1 to 1000000'

export const AudienceEnv = v.object({
  ROOM_CACHE_SIZE: v.pipe(
    v.optional(v.string(), String(defaultCacheSize)),
    v.regex(/^\d{1,7}$/, invalidCacheSize),
    v.toNumber(),
    v.minValue(1, invalidCacheSize),
    v.maxValue(1_000_000, invalidCacheSize),
  ),
})

/**
 * These TTLs limit how long a removed member still receives events if the event `room.changed` is
 * lost.
 */
const [roomTtlMs, membersTtlMs] = [500, 900]

let members = createMemberCache(defaultCacheSize)
const rooms = new LRUCache<RoomId, IndexedRoom | typeof absent, Context>({
  ...maxEntries(10_000),
  ttl: roomTtlMs,
  ignoreFetchAbort: true,
  fetchMethod: (room, _stale, { context, options }) =>
    fetchOrAbsent(options, async () => {
      const entry = await context.kv(ROOMS_KV).get(room)
      return entry && 'closed' in entry.value ? entry.value : undefined
    }),
})

/** An event is published either once, encrypted with `key`, or to each of `users`. */
export type MemberAudience =
  | { key: StoredKey }
  | { users: readonly UserId[]; announcement?: Announcement }

/** An event for `everyone` is published once to all subscribers. */
export type Audience = 'everyone' | MemberAudience

/**
 * A new room key. It is published with the next event, to those of `holders` who are still members.
 */
export interface Announcement {
  key: StoredKey
  holders: ReadonlySet<UserId>
}

/** Above this number of members, an event is published once, encrypted with the key of the room. */
const maxUsers = 200

const largeRooms = new LRUCache<RoomId, true>(maxEntries(10_000))
const holdersOf = new LRUCache<KeyId, Promise<ReadonlySet<UserId>>>(maxEntries(100))

/**
 * For a public room without bans, returns `everyone`, which means all subscribers of the room's
 * subject. For any other room, returns its members, or its key if it is large. Returns no users for an
 * archived or unknown room.
 */
export async function findAudience(room: RoomId, context: Context): Promise<Audience> {
  const indexed = await findIndexedRoom(room, context)
  if (!indexed) return { users: [] }
  if (indexed.kind === 'public' && !indexed.closed) return 'everyone'
  return findMemberAudience(room, context)
}

/**
 * Returns the members of a room, or its key if the room is large. Used for events that only members may read
 * even in a public room. Returns no users for an archived or unknown room.
 */
export async function findMemberAudience(room: RoomId, context: Context): Promise<MemberAudience> {
  // An event needs either the key or the list of members. Reads no key for a small room, and no
  // list for a large room whose members already have the key.
  const known = largeRooms.has(room) ? await findRoomKey(room, context) : undefined
  if (known && isSettled(known)) return { key: known }
  const users = await findMembers(room, context)
  if (users.length <= maxUsers) return { users }
  largeRooms.set(room, true)
  const key = known ?? (await ensureRoomKey(room, context))
  if (isSettled(key)) return { key }
  return { users, announcement: { key, holders: await findHolders(room, key.id, context) } }
}

/**
 * Returns the users who may get a key. Reads them after the key was created, because the cached members
 * may include a user whose removal has replaced the previous key.
 */
function findHolders(room: RoomId, key: KeyId, context: Context): Promise<ReadonlySet<UserId>> {
  const known = holdersOf.get(key)
  if (known) return known
  const holders = fetchMembers(room, context)
  holdersOf.set(key, holders)
  holders.catch(() => holdersOf.delete(key))
  return holders
}

export async function findIndexedRoom(
  room: RoomId,
  context: Context,
): Promise<IndexedRoom | undefined> {
  const indexed = await findRoom(room, context)
  if (indexed) return indexed
  const { wasBuilt } = await ensureIndex(context)
  return wasBuilt ? findRoom(room, context, true) : undefined
}

async function findRoom(room: RoomId, context: Context, forceRefresh = false) {
  const indexed = await rooms.fetch(room, { context, forceRefresh })
  return indexed === absent ? undefined : indexed
}

/**
 * Returns the audience of the event that archives a room. The member index ROOMS_KV no longer has the members of
 * the room, but still its key. With the key, the event of a large room is published once.
 */
export async function findArchiveAudience(room: RoomId, context: Context): Promise<Audience> {
  const key = await findRoomKey(room, context)
  if (key && isSettled(key)) return { key }
  const users = await findPersistedMembers(room)
  return users.length > maxUsers && (await isOpen(room)) ? 'everyone' : { users }
}

/**
 * Returns the members of a room that is restored. The event is published to each of them, because
 * their clients do not subscribe to an archived room, and have no key of it.
 */
export async function findRestoreAudience(room: RoomId): Promise<MemberAudience> {
  return { users: await findPersistedMembers(room) }
}

/** Returns true for a public room without bans, even if it is archived. */
async function isOpen(room: RoomId): Promise<boolean> {
  const ban = db.select().from(bans).where(eq(bans.room, room))
  const [open] = await db
    .select({ id: roomsTable.id })
    .from(roomsTable)
    .where(and(eq(roomsTable.id, room), eq(roomsTable.kind, 'public'), notExists(ban)))
  return open !== undefined
}

async function findPersistedMembers(room: RoomId): Promise<readonly UserId[]> {
  const rows = await db
    .select({ userId: membersTable.userId })
    .from(membersTable)
    .where(eq(membersTable.room, room))
  return rows.map(({ userId }) => userId)
}

export async function findMembers(room: RoomId, context: Context): Promise<readonly UserId[]> {
  return [...((await members.fetch(room, { context })) ?? [])]
}

export function applyRoomChange(change: ParsedDataOf<typeof roomChanged>): void {
  const { room } = change
  const cached = members.get(room)
  if (change.action === 'join') cached?.add(change.userId)
  else if (change.action === 'leave') cached?.delete(change.userId)
  else members.delete(room)
  // A read of the members that has already started may lack the change. After `delete`, the result
  // of such a read is not cached.
  if (!cached) members.delete(room)
  rooms.delete(room)
  evictRoomKey(room)
}

export function resizeMemberCache(size: number): void {
  members = createMemberCache(size)
}

function createMemberCache(max: number) {
  return new LRUCache<RoomId, Set<UserId>, Context>({
    max,
    ttl: membersTtlMs,
    ignoreFetchAbort: true,
    fetchMethod: async (room, _stale, { context, options }) =>
      fetchWithAgedTtl(options, () => fetchMembers(room, context)),
  })
}

async function fetchMembers(room: RoomId, context: Context): Promise<Set<UserId>> {
  const all = new Set<UserId>()
  for (let after: UserId | undefined; ; ) {
    const { members, next } = await context.call(roomMembers, { room, after })
    for (const user of members) all.add(user)
    if (next === undefined) return all
    after = next
  }
}
