import { and, eq, isNull } from 'drizzle-orm'
import { enqueueEvents, flushOutbox } from '#domain/log/event-outbox'
import { readCaller } from '#domain/rooms/member'
import { indexMember, reindexRooms } from '#domain/rooms/member-index'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { type Room, roomCreate } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { members, rooms } from '#schema/tables/room'

/** Rooms of two are named by the server alone. */
const reserved = /^dm-/
const role = 'owner'

/** Makes a room with the caller as its owner. Whoever asks again finishes what was begun. */
export default defineFunction(
  roomCreate,
  async ({ room: id, name, kind }, context) => {
    const owner = readCaller(context)
    const room = { id, name, kind }
    const isTheirs =
      !reserved.test(id) && ((await insertRoom(room, owner)) || (await isOwned(room, owner)))
    if (!isTheirs)
      throw new FunctionError('conflict', `A room cannot be called ${id}: choose another id`)

    await reindexRooms([id], context)
    await indexMember({ room: id, userId: owner }, context)
    await flushOutbox(id, context)
    return { room }
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 20, windowMs: 60_000 } },
)

/** The room and its owner, or neither. False when the id is taken, be it by an archived room. */
function insertRoom({ id, name, kind }: Room, owner: UserId): Promise<boolean> {
  return db.transaction(async (tx) => {
    const made = await tx.insert(rooms).values({ id, name, kind }).onConflictDoNothing().returning()
    if (made.length === 0) return false
    const first = { room: id, userId: owner, role } as const
    await tx.insert(members).values(first)
    await enqueueEvents(
      [
        { kind: 'room', action: 'create', room: id, name, by: owner },
        { kind: 'member', action: 'join', ...first, by: owner },
      ],
      tx,
    )
    return true
  })
}

/** Whether somebody has made this very room: they did not hear the answer. */
async function isOwned({ id, name, kind }: Room, owner: UserId): Promise<boolean> {
  const [found] = await db
    .select({ role: members.role })
    .from(rooms)
    .innerJoin(members, and(eq(members.room, rooms.id), eq(members.userId, owner)))
    .where(
      and(eq(rooms.id, id), eq(rooms.name, name), eq(rooms.kind, kind), isNull(rooms.archivedAt)),
    )
  return found?.role === role
}
