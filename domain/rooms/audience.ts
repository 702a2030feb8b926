import { eq } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import * as v from 'valibot'
import type { Context, ParsedDataOf } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { type roomChanged, roomMembers } from '#schema/messages/member'
import type { RoomKind } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { members as membersTable } from '#schema/tables/room'
import { maxEntries } from '../cache/max-entries.ts'
import { absent, fetchOrAbsent, fetchWithAgedTtl } from '../cache/ttl.ts'
import { ensureIndex } from './member-index.ts'

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

/**
 * For a public room without bans, returns `everyone`, which means all subscribers of the room's
 * subject. For any other room, returns its members. Returns an empty list for an archived or
 * unknown room.
 */
export async function findAudience(
  room: RoomId,
  context: Context,
): Promise<'everyone' | readonly UserId[]> {
  const indexed = await findIndexedRoom(room, context)
  if (!indexed) return []
  if (indexed.kind === 'public' && !indexed.closed) return 'everyone'
  return findMembers(room, context)
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
 * In contrast to the member index ROOMS_KV, the database also has the members of archived rooms.
 */
export async function findPersistedMembers(room: RoomId): Promise<readonly UserId[]> {
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
  // A running read of the members may lack the change. `delete` prevents that its result is cached.
  if (!cached) members.delete(room)
  rooms.delete(room)
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
