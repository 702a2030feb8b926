import { flushOutbox } from '#domain/log/event-outbox'
import { directRoomOf } from '#domain/rooms/direct-room'
import { findMember, readCaller } from '#domain/rooms/member'
import { indexMember, reindexRooms } from '#domain/rooms/member-index'
import { findDirectMembers, insertDirectRoom } from '#domain/rooms/room-creation'
import { requireUser } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { roomDirect } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * Returns the direct room of the caller and another user (or the caller alone), created on first
 * use. A repeated call completes an interrupted one.
 */
export default defineFunction(
  roomDirect,
  async (input, context) => {
    const me = readCaller(context)
    const pair = [...new Set([input.with, me])]
    // No name of its own: each member's client shows the name of the other.
    const room = { id: directRoomOf(me, input.with), name: '', kind: 'direct' as const }

    const members = await findDirectMembers(room.id)
    const isComplete = pair.every((user) => members.has(user))
    if (isComplete && (await findMember(room.id, context))) return { room }

    if (input.with !== me) await requireUser(input.with)
    await insertDirectRoom(room, pair, me)
    await reindexRooms([room.id], context)
    // The caller is indexed last, so `findMember` above implies that the other is indexed too.
    for (const userId of pair) await indexMember({ room: room.id, userId }, context)
    await flushOutbox(room.id, context)
    return { room }
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 60, windowMs: 60_000 } },
)
