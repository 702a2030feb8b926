import { eq } from 'drizzle-orm'
import { type Context, defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { roomDirect } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { roomHeads } from '#schema/tables/message'
import { members, rooms } from '#schema/tables/room'
import { users } from '#schema/tables/user'
import { directRoomOf } from './_direct.ts'
import { enterIndex, refreshRooms } from './_index.ts'
import { logEvent } from './_log.ts'
import { findMember, readCaller } from './_member.ts'

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

    const found = await findRoom(room.id)
    const isWhole = found?.isLogged && pair.every((user) => found.present.has(user))
    if (isWhole && (await findMember(room.id, context))) return { room }

    if (input.with !== me) await requirePerson(input.with)
    await db.insert(rooms).values(room).onConflictDoNothing()
    const added = await db
      .insert(members)
      .values(pair.map((userId) => ({ room: room.id, userId, role })))
      .onConflictDoNothing()
      .returning()
    await refreshRooms([room.id], context)
    // The caller last: whoever finds them there later finds the other as well.
    for (const userId of pair) await enterIndex({ room: room.id, userId }, context)

    if (found?.isLogged) {
      for (const { userId } of added) await logEvent(joined(room.id, userId, me), context)
    } else await logBeginning(room.id, pair, me, context)
    return { room }
  },
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 60, windowMs: 60_000 } },
)

/** What the database knows of it. Throws `forbidden` for one that is not to be used. */
async function findRoom(id: RoomId) {
  const rows = await db
    .select({
      kind: rooms.kind,
      archivedAt: rooms.archivedAt,
      head: roomHeads.seq,
      member: members.userId,
    })
    .from(rooms)
    .leftJoin(roomHeads, eq(roomHeads.room, rooms.id))
    .leftJoin(members, eq(members.room, rooms.id))
    .where(eq(rooms.id, id))
  const [room] = rows
  if (!room) return undefined
  if (room.kind !== kind || room.archivedAt)
    throw new FunctionError('forbidden', `There is no room ${id} that you may use`)
  return { isLogged: room.head !== null, present: new Set(rows.map(({ member }) => member)) }
}

async function requirePerson(user: UserId) {
  const [person] = await db.select({ id: users.id }).from(users).where(eq(users.id, user))
  if (!person) throw new FunctionError('forbidden', `There is no ${user} whom you may write to`)
}

/** The log takes each of these once, whoever of the two is first, and however often they ask. */
async function logBeginning(room: RoomId, pair: UserId[], by: UserId, context: Context) {
  const at = new Date().toISOString()
  await logEvent({ kind: 'room', action: 'create', room, by, at }, context, `${room}.create`)
  for (const userId of pair)
    await logEvent(joined(room, userId, by), context, `${room}.join.${userId}`)
}

function joined(room: RoomId, userId: UserId, by: UserId) {
  const at = new Date().toISOString()
  return { kind: 'member', action: 'join', room, userId, role, by, at } as const
}
