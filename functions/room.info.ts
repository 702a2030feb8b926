import { and, asc, count, eq, isNull } from 'drizzle-orm'
import { readCaller } from '#domain/rooms/member'
import { publicUser } from '#domain/users/directory'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { roomInfo } from '#schema/messages/room'
import { bans, members, rooms } from '#schema/tables/room'
import { users } from '#schema/tables/user'

const maxMembers = 500

/** Describes a room to who belongs to it, and a public one to all who were not removed from it. */
export default defineFunction(
  roomInfo,
  async ({ room: id }, context) => {
    const { room, role, createdAt } = await requireVisible(id, readCaller(context))
    const [first, [all]] = await Promise.all([
      findMembers(id),
      db.select({ count: count() }).from(members).where(eq(members.room, id)),
    ])
    return {
      room,
      createdAt: createdAt.toISOString(),
      ...(role === null ? {} : { role }),
      count: all?.count ?? 0,
      members: first.map(({ name, ...member }) => ({ ...member, name: name ?? member.userId })),
    }
  },
  { limit: { max: 300, windowMs: 60_000 } },
)

/** Throws `forbidden` for what the caller may not know of, and the same where there is no such room. */
async function requireVisible(id: RoomId, me: UserId) {
  const [found] = await db
    .select({
      room: { id: rooms.id, name: rooms.name, kind: rooms.kind },
      createdAt: rooms.createdAt,
      role: members.role,
      bannedBy: bans.by,
    })
    .from(rooms)
    .leftJoin(members, and(eq(members.room, rooms.id), eq(members.userId, me)))
    .leftJoin(bans, and(eq(bans.room, rooms.id), eq(bans.userId, me)))
    .where(and(eq(rooms.id, id), isNull(rooms.archivedAt)))
  const isVisible = found && (found.role || (found.room.kind === 'public' && !found.bannedBy))
  if (!isVisible) throw new FunctionError('forbidden', `There is no room ${id} that you may see`)
  return found
}

function findMembers(room: RoomId) {
  return db
    .select({ userId: members.userId, role: members.role, name: publicUser.name })
    .from(members)
    .leftJoin(users, eq(users.id, members.userId))
    .where(eq(members.room, room))
    .orderBy(asc(members.joinedAt), asc(members.userId))
    .limit(maxMembers)
}
