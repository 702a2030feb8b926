import { appendEvent } from '#domain/log/append'
import { messageResources, requireMessage, toTarget } from '#domain/messages/change'
import { eraseMessage } from '#domain/messages/erase'
import { updateCachedMessage } from '#domain/messages/message-cache'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction } from '#runtime'
import { msgDelete } from '#schema/messages/chat'
import type { RoomEventOf } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'

/**
 * Deletes a message of the caller, or of any user if the caller is a moderator or an owner of the
 * room, and returns the sequence of the deletion event. Erases the text from the message cache, the
 * database and CHAT_MESSAGES before it responds; if the process ends before that, `persist` erases
 * the text.
 */
export default defineFunction(
  msgDelete,
  async ({ notifyId }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    if (message.sender !== member.user) requireRight(member, 'moderate')
    const { id, room, sender, clientId, deletedAt } = message
    if (deletedAt) {
      // An earlier call has deleted the message, but its process may have ended before it purged the
      // message from CHAT_MESSAGES.
      await context.purgeMessage(CHAT_MESSAGES, message.seq)
      return { seq: message.editedSeq ?? message.seq }
    }

    const at = new Date().toISOString()
    const data: RoomEventOf<'delete'> = {
      kind: 'delete',
      room,
      by: member.user,
      at,
      message: { ...toTarget(message), sender, clientId, at: message.at },
    }
    // The deduplication id of a sent message, `{sender}.{clientId}`, never equals this one, because
    // client ids contain no dot.
    const seq = await appendEvent(data, context, `msg.delete.${id}`)
    const { editedAt: _, ...unedited } = message
    const deleted = { ...unedited, text: '', mentions: [], deletedAt: at, editedSeq: seq }
    await Promise.all([
      updateCachedMessage(deleted, context),
      eraseMessage(message, { seq, data }, context),
    ])
    return { seq }
  },
  { resources: messageResources, limit: { max: 120, windowMs: 60_000 } },
)
