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

/** Archives a room, which nobody can read then, or brings it back. */
export default defineFunction(
  roomArchive,
  async ({ room, archived }, context) => {
    const by = readCaller(context)
    // The index has nobody in an archived room, and its owner may ask twice.
    if (!(await isArchivedBy(room, by))) await requireOwner(room, context)
    await (archived ? archiveRoom : restoreRoom)({ room, by }, context)
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 30, windowMs: 60_000 } },
)

async function requireOwner(room: RoomId, context: Context) {
  const member = await requireMember(room, context)
  requireRight(member, 'archive')
  if (member.kind === 'direct')
    throw new FunctionError('forbidden', 'A room of two cannot be archived')
}

/** Whether this is an archived room of which somebody is an owner. */
async function isArchivedBy(room: RoomId, owner: UserId) {
  const [found] = await db
    .select({ role: members.role })
    .from(rooms)
    .innerJoin(members, and(eq(members.room, rooms.id), eq(members.userId, owner)))
    .where(and(eq(rooms.id, room), isNotNull(rooms.archivedAt)))
  return found?.role === 'owner'
}
