import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { roomCreate } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { members, rooms } from '#schema/tables/room'
import { enterIndex, refreshRooms } from './_index.ts'
import { readCaller } from './_member.ts'
import { logMember, logRoomChange } from './_rooms.ts'

/** Rooms of two are named by the server alone. */
const reserved = /^dm-/

/** Makes a room with the caller as its owner. */
export default defineFunction(
  roomCreate,
  async ({ room: id, name, kind }, context) => {
    const userId = readCaller(context)
    const room = { id, name, kind }
    const isNew = !reserved.test(id) && (await insertRoom(room, userId))
    if (!isNew)
      throw new FunctionError('conflict', `A room cannot be called ${id}: choose another id`)

    await refreshRooms([id], context)
    await enterIndex({ room: id, userId }, context)
    await logRoomChange({ room: id, action: 'create', name, by: userId }, context)
    await logMember({ room: id, action: 'join', userId, role: 'owner', by: userId }, context)
    return { room }
  },
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 20, windowMs: 60_000 } },
)

/** The room and its owner, or neither. False when the id is taken, be it by an archived room. */
function insertRoom(room: typeof rooms.$inferInsert, userId: typeof members.$inferInsert.userId) {
  return db.transaction(async (tx) => {
    const made = await tx.insert(rooms).values(room).onConflictDoNothing().returning()
    if (made.length === 0) return false
    await tx.insert(members).values({ room: room.id, userId, role: 'owner' })
    return true
  })
}
