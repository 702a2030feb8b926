import { and, inArray, isNotNull, ne, or, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { db } from '#schema/db'
import { RoomId, type UserId } from '#schema/ids'
import { rooms } from '#schema/tables/room'
import { enqueueEvents } from '../log/event-outbox.ts'
import { markReadUpToHeads } from './add-member.ts'
import type { MembershipKey } from './member-index.ts'
import { withSharedRoomLocks } from './room-lock.ts'

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
 * Inserts memberships of the default rooms, and enqueues their events. Skips a room from which the
 * user is banned. Returns the new memberships. The caller must pass them to `publishMembers`.
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
      order by rooms.id collate "C", added.id collate "C"
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

function nameOf(id: RoomId): string {
  const words = id.replaceAll(/[-_]+/g, ' ').trim() || id
  return words.charAt(0).toUpperCase() + words.slice(1)
}
