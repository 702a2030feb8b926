import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { roomKick } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { bans } from '#schema/tables/room'
import { requireMember } from './_member.ts'
import { mayRuleOver, requireRight } from './_roles.ts'
import { findStanding, logMember, refreshRoom, removeMember } from './_rooms.ts'

/**
 * Removes somebody from a room and keeps them out until they are invited. From then on the room is
 * told member by member, since whoever was kicked may still listen where a public room is told.
 */
export default defineFunction(
  roomKick,
  async ({ room: id, userId }, context) => {
    const member = await requireMember(id, context)
    requireRight(member, 'kick')
    const standing = await findStanding(id, userId)
    const { room, role } = standing ?? {}
    if (!room || room.kind === 'direct')
      throw new FunctionError('forbidden', `Nobody can be kicked from ${id}`)
    if (userId === member.user || (role && !mayRuleOver(member.role, role)))
      throw new FunctionError('forbidden', `As a ${member.role} you may not kick ${userId}`)
    if (!role) {
      if (standing?.isBanned) return {}
      throw new FunctionError('forbidden', `${userId} does not belong to a room ${id}`)
    }

    await db.insert(bans).values({ room: id, userId, by: member.user }).onConflictDoNothing()
    await refreshRoom(room, context)
    if (await removeMember(id, userId, context))
      await logMember({ room: id, action: 'kick', userId, by: member.user }, context)
    return {}
  },
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
