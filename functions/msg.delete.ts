import { appendEvent } from '#domain/log/append'
import { messageResources, requireMessage, toTarget } from '#domain/messages/change'
import { eraseMessage } from '#domain/messages/erase'
import { updateCachedMessage } from '#domain/messages/message-cache'
import { requireRight } from '#domain/rooms/roles'
import { eraseTranslations } from '#domain/translation/cache'
import { defineFunction } from '#runtime'
import { msgDelete } from '#schema/messages/chat'
import type { RoomEventOf } from '#schema/messages/event'
import { CHAT_MESSAGES, TRANSLATE_CACHE } from '#schema/streams'

/** If the process ends before the text is erased everywhere, `persist` erases it. */
export default defineFunction(
  msgDelete,
  async ({ notifyId }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    if (message.sender !== member.user) requireRight(member, 'moderate')
    const { id, room, sender, clientId, deletedAt } = message
    if (deletedAt) {
      // An earlier call has deleted the message. Its process may have ended before it purged
      // CHAT_MESSAGES.
      await context.purgeMessage(CHAT_MESSAGES, message.seq)
      await eraseTranslations(id, context)
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
    // Sent messages have the deduplication id `{sender}.{clientId}`. Because client ids contain no
    // dot, it never equals the id `msg.delete.{id}`.
    const seq = await appendEvent(data, context, `msg.delete.${id}`)
    const { editedAt: _, card: __, ...unedited } = message
    const deleted = { ...unedited, text: '', mentions: [], deletedAt: at, editedSeq: seq }
    await Promise.all([
      // The message is updated before its translations are erased: a call that stores a translation later finds
      // the message deleted, and removes the translation again.
      updateCachedMessage(deleted, context).then(() => eraseTranslations(id, context)),
      eraseMessage(message, { seq, data }, context),
    ])
    return { seq }
  },
  { resources: [...messageResources, TRANSLATE_CACHE], limit: { max: 120, windowMs: 60_000 } },
)
