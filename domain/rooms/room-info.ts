import { and, asc, count, eq, isNull } from 'drizzle-orm'
import { FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { bans, invitations, members, rooms } from '#schema/tables/room'
import { users } from '#schema/tables/user'
import { markDeactivated, publicUser } from '../users/directory.ts'
import { isAcceptable } from './invitation.ts'

/**
 * Returns a room with the caller's role, which is null for a non-member. `isReadable` is false for an
 * invited user of a room that is not public. Throws the same `forbidden` error for a room that does
 * not exist and for a room that the caller may not see.
 */
export async function requireVisibleRoom(id: RoomId, caller: UserId) {
  const [row] = await db
    .select({
      room: { id: rooms.id, name: rooms.name, kind: rooms.kind },
      createdAt: rooms.createdAt,
      role: members.role,
      bannedBy: bans.by,
      invitedBy: invitations.by,
    })
    .from(rooms)
    .leftJoin(members, and(eq(members.room, rooms.id), eq(members.userId, caller)))
    .leftJoin(bans, and(eq(bans.room, rooms.id), eq(bans.userId, caller)))
    .leftJoin(invitations, isAcceptable(caller))
    .where(and(eq(rooms.id, id), isNull(rooms.archivedAt)))
  const isReadable = row && (row.role || (row.room.kind === 'public' && !row.bannedBy))
  if (!isReadable && !row?.invitedBy)
    throw new FunctionError('forbidden', `Room ${id} does not exist, or you may not see it`)
  return { ...row, isReadable: Boolean(isReadable) }
}

export async function listFirstMembers(room: RoomId, limit: number) {
  // The members are limited before the join below: otherwise, PostgreSQL would read the names of
  // all users.
  const first = db
    .select()
    .from(members)
    .where(eq(members.room, room))
    .orderBy(asc(members.joinedAt), asc(members.userId))
    .limit(limit)
    .as('first')
  const rows = await db
    .select({
      userId: first.userId,
      role: first.role,
      name: publicUser.name,
    })
    .from(first)
    .leftJoin(users, eq(users.id, first.userId))
    .orderBy(asc(first.joinedAt), asc(first.userId))
  return markDeactivated(
    rows.map(({ name, ...member }) => ({ ...member, name: name ?? member.userId })),
  )
}

export async function countMembers(room: RoomId): Promise<number> {
  const [row] = await db.select({ count: count() }).from(members).where(eq(members.room, room))
  return row?.count ?? 0
}
