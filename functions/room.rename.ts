import { requireMember } from '#domain/rooms/member'
import { renameRoom } from '#domain/rooms/membership'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import { roomRename } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

export default defineFunction(
  roomRename,
  async ({ room, name }, context) => {
    const member = await requireMember(room, context)
    requireRight(member, 'rename')
    if (member.kind === 'direct')
      throw new FunctionError('forbidden', `Room ${room} is a direct room and cannot be renamed`)
    await renameRoom({ room, name, by: member.user }, context)
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 30, windowMs: 60_000 } },
)
