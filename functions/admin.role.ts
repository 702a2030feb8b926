import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { adminRole } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { members } from '#schema/tables/room'
import { appoint } from './_appoint.ts'
import { enterIndex } from './_index.ts'
import { readCaller } from './_member.ts'
import { findStanding, logMember } from './_rooms.ts'

/** Gives anybody a role in any room that is not a room of two: for rooms that nobody owns. */
export default defineFunction(
  adminRole,
  async ({ room: id, userId, role }, context) => {
    const by = readCaller(context)
    const standing = await findStanding(id, userId)
    if (!standing || standing.room.kind === 'direct' || standing.isBanned)
      throw new FunctionError('forbidden', `${userId} cannot be given a role in ${id}`)
    const { room, role: from } = standing
    if (from) {
      await appoint(room, { userId, from, to: role, by }, context)
      return {}
    }
    await db.insert(members).values({ room: id, userId, role }).onConflictDoNothing()
    await enterIndex({ room: id, kind: room.kind, userId, role }, context)
    await logMember({ room: id, action: 'join', userId, role, by }, context)
    return {}
  },
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
