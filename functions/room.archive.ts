import { and, eq, isNotNull } from 'drizzle-orm'
import { readCaller, requireMember } from '#domain/rooms/member'
import { archiveRoom, restoreRoom } from '#domain/rooms/membership'
import { requireRight } from '#domain/rooms/roles'
import { type Context, defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { roomArchive } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { members, rooms } from '#schema/tables/room'

export default defineFunction(
  roomArchive,
  async ({ room, archived }, context) => {
    const by = readCaller(context)
    // The member index ROOMS_KV has no members of an archived room, so its owner is read from the
    // database.
    if (!(await isOwnerOfArchived(room, by))) await requireArchivable(room, context)
    await (archived ? archiveRoom : restoreRoom)({ room, by }, context)
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 30, windowMs: 60_000 } },
)

async function requireArchivable(room: RoomId, context: Context) {
  const member = await requireMember(room, context)
  requireRight(member, 'archive')
  if (member.kind === 'direct')
    throw new FunctionError('forbidden', `Room ${room} is a direct room and cannot be archived`)
}

async function isOwnerOfArchived(room: RoomId, user: UserId): Promise<boolean> {
  const [membership] = await db
    .select({ role: members.role })
    .from(rooms)
    .innerJoin(members, and(eq(members.room, rooms.id), eq(members.userId, user)))
    .where(and(eq(rooms.id, room), isNotNull(rooms.archivedAt)))
  return membership?.role === 'owner'
}
