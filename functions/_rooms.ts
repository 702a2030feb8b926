import { and, count, eq, isNull, ne } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import type { RoomEventOf } from '#schema/messages/log'
import type { Role, Room } from '#schema/messages/room'
import { bans, members, rooms } from '#schema/tables/room'
import { closeRoom, leaveIndex, openRoom } from './_index.ts'
import { logEvent } from './_log.ts'

/** A room, and what the database says of somebody in it. */
export interface Standing {
  room: Room
  /** Undefined for who is no member. */
  role: Role | undefined
  isBanned: boolean
}

/** Undefined where there is no such room, or it is archived. */
export async function findStanding(id: RoomId, userId: UserId): Promise<Standing | undefined> {
  const [found] = await db
    .select({
      room: { id: rooms.id, name: rooms.name, kind: rooms.kind },
      role: members.role,
      bannedBy: bans.by,
    })
    .from(rooms)
    .leftJoin(members, and(eq(members.room, rooms.id), eq(members.userId, userId)))
    .leftJoin(bans, and(eq(bans.room, rooms.id), eq(bans.userId, userId)))
    .where(and(eq(rooms.id, id), isNull(rooms.archivedAt)))
  if (!found) return undefined
  const { room, role, bannedBy } = found
  return { room, role: role ?? undefined, isBanned: bannedBy !== null }
}

/** Somebody as a member of a room, by the database. Throws `forbidden` with whom it is about. */
export async function requireStanding(
  id: RoomId,
  userId: UserId,
): Promise<{ room: Room; role: Role }> {
  const standing = await findStanding(id, userId)
  if (standing?.role) return { room: standing.room, role: standing.role }
  throw new FunctionError('forbidden', `${userId} does not belong to a room ${id}`)
}

/** A room with an owner keeps one. Throws `conflict` for the last of them. */
export async function requireOtherOwner(room: RoomId, userId: UserId): Promise<void> {
  const [others] = await db
    .select({ count: count() })
    .from(members)
    .where(and(eq(members.room, room), eq(members.role, 'owner'), ne(members.userId, userId)))
  if (others?.count === 0)
    throw new FunctionError(
      'conflict',
      `${userId} is the last owner of ${room}: name another first`,
    )
}

/** Ends a membership; true if there was one. */
export async function removeMember(
  room: RoomId,
  userId: UserId,
  context: Context,
): Promise<boolean> {
  const removed = await leaveIndex({ room, userId }, context, () =>
    db
      .delete(members)
      .where(and(eq(members.room, room), eq(members.userId, userId)))
      .returning({ userId: members.userId }),
  )
  return removed.length > 0
}

/** Says in the index how a room is told what happens, by what the database knows of who is shut out. */
export async function refreshRoom({ id, kind }: Room, context: Context): Promise<void> {
  const [banned] = await db.select({ count: count() }).from(bans).where(eq(bans.room, id))
  await openRoom({ id, kind }, (banned?.count ?? 0) > 0, context)
}

/** Writes into the room's log that somebody came, went, or is somebody else now. */
export function logMember(
  event: Pick<RoomEventOf<'member'>, 'room' | 'action' | 'userId' | 'role' | 'by'>,
  context: Context,
): Promise<number> {
  return logEvent({ kind: 'member', at: new Date().toISOString(), ...event }, context)
}

/** Writes into the room's log what became of the room itself. */
export function logRoomChange(
  event: Pick<RoomEventOf<'room'>, 'room' | 'action' | 'name' | 'by'>,
  context: Context,
): Promise<number> {
  return logEvent({ kind: 'room', at: new Date().toISOString(), ...event }, context)
}

/** Takes a room out of everybody's reach. */
export async function archiveRoom(room: RoomId, context: Context): Promise<void> {
  // Before and after: for a rebuild of the index that had still seen it.
  await closeRoom(room, context)
  await db.update(rooms).set({ archivedAt: new Date() }).where(eq(rooms.id, room))
  await closeRoom(room, context)
}
