import { eq } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import * as v from 'valibot'
import type { Context, ParsedDataOf } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { type RoomKind, type roomChanged, roomMembers } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { members as kept } from '#schema/tables/room'
import { absent, fetchOrAbsent, fetchWithAgedTtl } from '../cache/ttl.ts'
import { ensureIndex } from './member-index.ts'

interface LiveRoom {
  kind: RoomKind
  closed: boolean
}

/** How many rooms a process remembers the members of, unless told otherwise. */
const defaultSize = 1_000
const invalidSize = 'ROOM_CACHE_SIZE must be a whole number from 1 to 1000000'

export const AudienceEnv = v.object({
  ROOM_CACHE_SIZE: v.pipe(
    v.optional(v.string(), String(defaultSize)),
    v.regex(/^\d{1,7}$/, invalidSize),
    v.toNumber(),
    v.minValue(1, invalidSize),
    v.maxValue(1_000_000, invalidSize),
  ),
})

/** Whoever is removed hears nothing more a second later, even if nobody tells this process. */
const [roomTtlMs, membersTtlMs] = [500, 900]

let members = createMemberCache(defaultSize)
const rooms = new LRUCache<RoomId, LiveRoom | typeof absent, Context>({
  max: 10_000,
  ttl: roomTtlMs,
  ignoreFetchAbort: true,
  fetchMethod: (room, _stale, { context, options }) =>
    fetchOrAbsent(options, async () => {
      const entry = await context.kv(ROOMS_KV).get(room)
      return entry && 'closed' in entry.value ? entry.value : undefined
    }),
})

/**
 * Who may hear what happens in a room: `everyone` who listens to a public one, or these people. Nobody
 * where there is no such room.
 */
export async function findAudience(
  room: RoomId,
  context: Context,
): Promise<'everyone' | readonly UserId[]> {
  let live = await findRoom(room, context)
  if (!live) {
    const { wasBuilt } = await ensureIndex(context)
    live = wasBuilt ? await findRoom(room, context, true) : undefined
    if (!live) return []
  }
  if (live.kind === 'public' && !live.closed) return 'everyone'
  return findMembers(room, context)
}

async function findRoom(room: RoomId, context: Context, forceRefresh = false) {
  const live = await rooms.fetch(room, { context, forceRefresh })
  return live === absent ? undefined : live
}

/** Who belongs to a room, archived or not: the index has nobody of an archived one, the database does. */
export async function findPersistedMembers(room: RoomId): Promise<readonly UserId[]> {
  const rows = await db.select({ userId: kept.userId }).from(kept).where(eq(kept.room, room))
  return rows.map(({ userId }) => userId)
}

/** Who belongs to a room, whatever its kind. */
export async function findMembers(room: RoomId, context: Context): Promise<readonly UserId[]> {
  return [...((await members.fetch(room, { context })) ?? [])]
}

/** Keeps what this process remembers in step with what has changed. */
export function applyRoomChange(change: ParsedDataOf<typeof roomChanged>): void {
  const { room } = change
  const known = members.get(room)
  if (change.action === 'join') known?.add(change.userId)
  else if (change.action === 'leave') known?.delete(change.userId)
  else members.delete(room)
  // What is being read right now may be from before the change.
  if (!known) members.delete(room)
  rooms.delete(room)
}

/** Remembers the members of so many rooms from now on. */
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
  const found = new Set<UserId>()
  for (let after: UserId | undefined; ; ) {
    const { members, next } = await context.call(roomMembers, { room, after })
    for (const user of members) found.add(user)
    if (next === undefined) return found
    after = next
  }
}
