import { and, inArray, isNotNull, ne, or, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import { RoomId, type UserId } from '#schema/ids'
import { ROOMS_KV } from '#schema/streams'
import { rooms } from '#schema/tables/room'
import { enqueueEvents, flushOutbox } from '../log/event-outbox.ts'
import { indexMembers, type MembershipKey, reindexRooms } from './member-index.ts'
import { type Transaction, withSharedRoomLocks } from './room-lock.ts'

export const DefaultRoomsEnv = v.object({
  DEFAULT_ROOMS: v.pipe(
    v.optional(v.string(), 'general'),
    v.transform((list) => [...new Set(list.split(',').map((id) => id.trim()))].filter(Boolean)),
    v.array(
      v.pipe(
        v.string(),
        v.check(
          (id) => v.is(RoomId, id) && !id.startsWith('dm-'),
          ({ input }) =>
            `DEFAULT_ROOMS contains "${input}": list room ids of a to z, 0 to 9, _ and -, such as general,help; they must not begin with dm-`,
        ),
        v.transform((id) => id as RoomId),
      ),
    ),
  ),
})

export async function createDefaultRooms(ids: readonly RoomId[]) {
  if (ids.length === 0) return { created: [], unusable: [] }
  const values = ids.map((id) => ({ id, name: nameOf(id), kind: 'public' as const }))
  const id = { id: rooms.id }
  const created = await db.insert(rooms).values(values).onConflictDoNothing().returning(id)
  const unusable = await db
    .select(id)
    .from(rooms)
    .where(and(inArray(rooms.id, ids), or(ne(rooms.kind, 'public'), isNotNull(rooms.archivedAt))))
  return { created: created.map(({ id }) => id), unusable: unusable.map(({ id }) => id) }
}

export async function findNewUsers(ids: readonly UserId[]): Promise<UserId[]> {
  const found = await db.execute<{ id: UserId }>(sql`
    select candidate.id from unnest(${sql.param(ids)}::text[]) as candidate (id)
    where not exists (select from users where users.id = candidate.id)`)
  return [...found].map(({ id }) => id)
}

/**
 * Inserts memberships of the default rooms, except of rooms that ban the user, and enqueues their
 * events. Returns the new memberships. The caller must pass them to `publishMembers`.
 */
export async function insertDefaultMembers(
  userIds: readonly UserId[],
  ids: readonly RoomId[],
): Promise<MembershipKey[]> {
  if (userIds.length === 0 || ids.length === 0) return []
  return withSharedRoomLocks(ids, async (tx) => {
    const added = await tx.execute<{ room: RoomId; user_id: UserId }>(sql`
      insert into members (room, user_id)
      select rooms.id, added.id from rooms, unnest(${sql.param(userIds)}::text[]) as added (id)
      where rooms.id = any(${sql.param(ids)}::text[])
        and rooms.kind = 'public' and rooms.archived_at is null
        and not exists (select from bans where bans.room = rooms.id and bans.user_id = added.id)
      on conflict do nothing
      returning room, user_id`)
    const keys = [...added].map(({ room, user_id: userId }) => ({ room, userId }))
    if (keys.length === 0) return keys
    await markReadUpToHeads(keys, tx)
    const join = { kind: 'member', action: 'join', role: 'member' } as const
    await enqueueEvents(
      keys.map((key) => ({ ...join, ...key, by: key.userId })),
      tx,
    )
    return keys
  })
}

export async function publishMembers(
  keys: readonly MembershipKey[],
  context: Context,
): Promise<void> {
  const ids = [...new Set(keys.map(({ room }) => room))]
  for (const id of ids) if (!(await context.kv(ROOMS_KV).get(id))) await reindexRooms([id], context)
  await indexMembers(keys, context)
  for (const id of ids) await flushOutbox(id, context)
}

async function markReadUpToHeads(keys: readonly MembershipKey[], tx: Transaction): Promise<void> {
  await tx.execute(sql`
    insert into read_states (room, user_id, seq)
    select member.room, member.user_id, room_heads.seq
    from unnest(
      ${sql.param(keys.map(({ room }) => room))}::text[],
      ${sql.param(keys.map(({ userId }) => userId))}::text[]
    ) as member (room, user_id)
    join room_heads on room_heads.room = member.room
    on conflict do nothing`)
}

function nameOf(id: RoomId): string {
  const words = id.replaceAll(/[-_]+/g, ' ').trim() || id
  return words.charAt(0).toUpperCase() + words.slice(1)
}
