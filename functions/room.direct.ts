import { flushOutbox } from '#domain/log/event-outbox'
import { applyBlocks } from '#domain/rooms/direct-block'
import { directRoomOf } from '#domain/rooms/direct-room'
import { findMember, readCaller } from '#domain/rooms/member'
import { indexMember, reindexRooms } from '#domain/rooms/member-index'
import { acceptRequest } from '#domain/rooms/message-request'
import { findDirectMembers, insertDirectRoom } from '#domain/rooms/room-creation'
import { requireActiveUser } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { roomDirect } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** If an earlier call was interrupted, a repeated call completes it. */
export default defineFunction(
  roomDirect,
  async (input, context) => {
    const me = readCaller(context)
    const pair = [...new Set([input.with, me])]
    // A direct room has no name: clients show each member the name of the other.
    const room = { id: directRoomOf(me, input.with), name: '', kind: 'direct' as const }

    const members = await findDirectMembers(room.id)
    const isComplete = pair.every((user) => members.has(user))
    if (members.get(me)) await acceptRequest({ room: room.id, userId: me }, context)
    if (isComplete && (await findMember(room.id, context))) return { room }

    if (input.with !== me) await requireActiveUser(input.with)
    await insertDirectRoom(room, pair, me)
    await applyBlocks(me, input.with, context)
    await reindexRooms([room.id], context)
    // The caller is added to the member index last. If this call is interrupted earlier, the
    // repeated call finds no entry of the caller (`findMember` above), so it adds both members.
    for (const userId of pair) await indexMember({ room: room.id, userId }, context)
    await flushOutbox(room.id, context)
    return { room }
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 60, windowMs: 60_000 } },
)
