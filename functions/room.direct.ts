import { eq } from 'drizzle-orm'
import { enqueueEvents, flushOutbox } from '#domain/log/event-outbox'
import { directRoomOf } from '#domain/rooms/direct-room'
import { findMember, readCaller } from '#domain/rooms/member'
import { indexMember, reindexRooms } from '#domain/rooms/member-index'
import { requireUser } from '#domain/users/directory'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { type Room, roomDirect } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { members, rooms } from '#schema/tables/room'

const [kind, role] = ['direct', 'member'] as const

/**
 * Finds the room of the caller and somebody else, who may be themself, or makes it. Both may ask at
 * once, and whoever asks again finishes what was begun before a process died.
 */
export default defineFunction(
  roomDirect,
  async (input, context) => {
    const me = readCaller(context)
    const pair = [...new Set([input.with, me])]
    // It is called what the other is called, by each of them.
    const room = { id: directRoomOf(me, input.with), name: '', kind }

    const present = await findPresent(room.id)
    const isWhole = pair.every((user) => present.has(user))
    if (isWhole && (await findMember(room.id, context))) return { room }

    if (input.with !== me) await requireUser(input.with)
    await insertRoom(room, pair, me)
    await reindexRooms([room.id], context)
    // The caller last: whoever finds them there later finds the other as well.
    for (const userId of pair) await indexMember({ room: room.id, userId }, context)
    await flushOutbox(room.id, context)
    return { room }
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 60, windowMs: 60_000 } },
)

/** Who the database has in it. Throws `forbidden` for one that is not to be used. */
async function findPresent(id: RoomId): Promise<ReadonlySet<UserId | null>> {
  const rows = await db
    .select({ kind: rooms.kind, archivedAt: rooms.archivedAt, member: members.userId })
    .from(rooms)
    .leftJoin(members, eq(members.room, rooms.id))
    .where(eq(rooms.id, id))
  if (rows.some((room) => room.kind !== kind || room.archivedAt))
    throw new FunctionError('forbidden', `There is no room ${id} that you may use`)
  return new Set(rows.map(({ member }) => member))
}

/** What is missing of it: the room, and who belongs to it. */
async function insertRoom(room: Room, pair: readonly UserId[], by: UserId): Promise<void> {
  const places = pair.map((userId) => ({ room: room.id, userId, role }))
  await db.transaction(async (tx) => {
    const made = await tx.insert(rooms).values(room).onConflictDoNothing().returning()
    const added = await tx.insert(members).values(places).onConflictDoNothing().returning()
    const joined = places.filter(({ userId }) => added.some((it) => it.userId === userId))
    const events = [
      ...made.map(({ id }) => ({ kind: 'room', action: 'create', room: id, by }) as const),
      ...joined.map((place) => ({ kind: 'member', action: 'join', ...place, by }) as const),
    ]
    if (events.length > 0) await enqueueEvents(events, tx)
  })
}
