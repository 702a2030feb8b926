import { count, eq } from 'drizzle-orm'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { roomLeave } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { members } from '#schema/tables/room'
import { readCaller } from './_member.ts'
import { findStanding, logMember, removeMember, requireOtherOwner } from './_rooms.ts'

/** Ends the membership of the caller. Leaving what one does not belong to is refused, room or not. */
export default defineFunction(
  roomLeave,
  async ({ room }, context) => {
    const userId = readCaller(context)
    const standing = await findStanding(room, userId)
    if (!standing?.role) throw new FunctionError('forbidden', `You do not belong to a room ${room}`)
    if (standing.room.kind === 'direct')
      throw new FunctionError('forbidden', 'A room of two cannot be left')
    if (standing.role === 'owner' && (await hasOthers())) await requireOtherOwner(room, userId)

    if (await removeMember(room, userId, context))
      await logMember({ room, action: 'leave', userId, by: userId }, context)
    return {}

    async function hasOthers() {
      const [all] = await db.select({ count: count() }).from(members).where(eq(members.room, room))
      return (all?.count ?? 0) > 1
    }
  },
  {
    queue: 'room-workers',
    uses: [CHAT_MESSAGES, ROOMS_KV],
    limit: { max: 120, windowMs: 60_000 },
  },
)
