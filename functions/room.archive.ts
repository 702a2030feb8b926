import { and, eq, isNotNull } from 'drizzle-orm'
import { type Context, defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { roomArchive } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { members, rooms } from '#schema/tables/room'
import { buildIndex } from './_index.ts'
import { readCaller, requireMember } from './_member.ts'
import { requireRight } from './_roles.ts'
import { archiveRoom, logRoomChange } from './_rooms.ts'

/** Archives a room, which nobody can read then, or brings it back. */
export default defineFunction(
  roomArchive,
  ({ room, archived }, context) => (archived ? archive(room, context) : restore(room, context)),
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 30, windowMs: 60_000 } },
)

async function archive(room: RoomId, context: Context) {
  // The index has nobody in an archived room, and its owner may ask twice.
  if (await isArchivedByOwner(room, context)) return {}
  const member = await requireMember(room, context)
  requireRight(member, 'archive')
  if (member.kind === 'direct')
    throw new FunctionError('forbidden', 'A room of two cannot be archived')
  await logRoomChange({ room, action: 'archive', by: member.user }, context)
  await archiveRoom(room, context)
  return {}
}

async function restore(room: RoomId, context: Context) {
  if (!(await isArchivedByOwner(room, context))) {
    const member = await requireMember(room, context)
    requireRight(member, 'archive')
    return {}
  }
  await db.update(rooms).set({ archivedAt: null }).where(eq(rooms.id, room))
  await buildIndex(context, room)
  await logRoomChange({ room, action: 'restore', by: readCaller(context) }, context)
  return {}
}

/** Whether this is an archived room of which the caller is an owner. */
async function isArchivedByOwner(room: RoomId, context: Context) {
  const [found] = await db
    .select({ role: members.role })
    .from(rooms)
    .innerJoin(members, and(eq(members.room, rooms.id), eq(members.userId, readCaller(context))))
    .where(and(eq(rooms.id, room), isNotNull(rooms.archivedAt)))
  return found?.role === 'owner'
}
