import { and, eq, isNull, ne } from 'drizzle-orm'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { roomRename } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { rooms } from '#schema/tables/room'
import { requireMember } from './_member.ts'
import { requireRight } from './_roles.ts'
import { logRoomChange } from './_rooms.ts'

/** Changes what a room is called. */
export default defineFunction(
  roomRename,
  async ({ room, name }, context) => {
    const member = await requireMember(room, context)
    requireRight(member, 'rename')
    if (member.kind === 'direct')
      throw new FunctionError('forbidden', 'A room of two is called by who is in it')
    const renamed = await db
      .update(rooms)
      .set({ name })
      .where(and(eq(rooms.id, room), isNull(rooms.archivedAt), ne(rooms.name, name)))
      .returning()
    if (renamed.length > 0)
      await logRoomChange({ room, action: 'rename', name, by: member.user }, context)
    return {}
  },
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 30, windowMs: 60_000 } },
)
