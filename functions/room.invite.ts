import { and, eq } from 'drizzle-orm'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { roomInvite } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { bans, members } from '#schema/tables/room'
import { enterIndex } from './_index.ts'
import { requireMember } from './_member.ts'
import { hasRight, requireRight } from './_roles.ts'
import { findStanding, logMember, refreshRoom } from './_rooms.ts'

/** Makes somebody a member of a room, also whoever was kicked. Who is one already stays what they are. */
export default defineFunction(
  roomInvite,
  async ({ room: id, userId, role: asked }, context) => {
    const inviter = await requireMember(id, context)
    requireRight(inviter, 'invite')
    if (inviter.kind === 'direct')
      throw new FunctionError('forbidden', 'Nobody can be invited into a room of two')
    const standing = await findStanding(id, userId)
    if (!standing) throw new FunctionError('forbidden', `You do not belong to a room ${id}`)
    if (standing.isBanned && !hasRight(inviter, 'kick'))
      throw new FunctionError(
        'forbidden',
        `${userId} was kicked: a moderator may invite them again`,
      )

    const { room } = standing
    const role = standing.role ?? asked
    const added = await db
      .insert(members)
      .values({ room: id, userId, role })
      .onConflictDoNothing()
      .returning()
    if (standing.isBanned) {
      await db.delete(bans).where(and(eq(bans.room, id), eq(bans.userId, userId)))
      await refreshRoom(room, context)
    }
    await enterIndex({ room: id, kind: room.kind, userId, role }, context)
    if (added.length > 0)
      await logMember({ room: id, action: 'join', userId, role, by: inviter.user }, context)
    return {}
  },
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
