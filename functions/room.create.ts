import { flushOutbox } from '#domain/log/event-outbox'
import { readCaller } from '#domain/rooms/member'
import { indexMember, reindexRooms } from '#domain/rooms/member-index'
import { insertOwnedRoom, isOwnedRoom } from '#domain/rooms/room-creation'
import { defineFunction, FunctionError } from '#runtime'
import { roomCreate } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

const reservedIds = /^dm-/
/**
 * Ids of private rooms must end like this, so that they cannot be guessed: for a guessed id, the
 * error `conflict` would reveal that the room exists.
 */
const privateIds = /-[a-z0-9]{8,}$/

/** If an earlier call was interrupted, a repeated call completes it. */
export default defineFunction(
  roomCreate,
  async ({ room: id, name, kind }, context) => {
    const owner = readCaller(context)
    const room = { id, name, kind }
    if (kind === 'private' && !privateIds.test(id))
      throw new FunctionError(
        'invalid',
        `The id ${id} of a private room must end with - and 8 random letters or digits`,
      )
    const isOwn =
      !reservedIds.test(id) &&
      ((await insertOwnedRoom(room, owner)) || (await isOwnedRoom(room, owner)))
    if (!isOwn)
      throw new FunctionError('conflict', `Room id ${id} is taken or reserved: choose another id`)

    await reindexRooms([id], context)
    await indexMember({ room: id, userId: owner }, context)
    await flushOutbox(id, context)
    return { room }
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 20, windowMs: 60_000 } },
)
