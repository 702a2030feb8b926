import { appendEvent } from '#domain/log/append'
import { findPersistedSequence } from '#domain/log/persisted-sequence'
import { type LoggedEvent, persistNow } from '#domain/log/projection'
import { messageResources, requireMessage, toTarget } from '#domain/messages/change'
import { updateCachedMessage } from '#domain/messages/message-cache'
import { requireRight } from '#domain/rooms/roles'
import { type Context, defineFunction } from '#runtime'
import { toNotifyId } from '#schema/ids'
import { type Message, msgDelete } from '#schema/messages/chat'
import { chatRoom, type RoomEventOf } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'

/** Where more has happened since than that, `persist` erases the edits. */
const maxEvents = 2_000

/**
 * Deletes what the caller said, or as a moderator what anybody said: wherever it could be read, before
 * the answer. `persist` does so again, for the case that this process ends on the way.
 */
export default defineFunction(
  msgDelete,
  async ({ notifyId }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    if (message.sender !== member.user) requireRight(member, 'moderate')
    const { id, room, sender, clientId, deletedAt } = message
    if (deletedAt) {
      // Whoever deleted it may have died on the way.
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
    // No client can have a message go by this id: one with a dot is no client id.
    const seq = await appendEvent(data, context, `msg.delete.${id}`)
    const { editedAt: _, ...unedited } = message
    const gone = { ...unedited, text: '', mentions: [], deletedAt: at, editedSeq: seq }
    await Promise.all([updateCachedMessage(gone, context), erase(message, { seq, data }, context)])
    return { seq }
  },
  { resources: messageResources, limit: { max: 120, windowMs: 60_000 } },
)

/** From the database, and from the log what the database knows or the log alone has. */
async function erase(message: Message, event: LoggedEvent, context: Context) {
  const handled = await findPersistedSequence('rooms', context)
  try {
    await persistNow(event, context)
    if (!handled.caughtUp) await eraseEdits(message, handled.seq, context)
  } catch (error) {
    context.log.warn({ err: error, id: message.id }, 'not yet deleted from the database')
    await context.purgeMessage(CHAT_MESSAGES, message.seq)
    await eraseEdits(message, message.seq, context)
  }
}

/** What a message was edited to after some event, as far as the log is read at once. */
async function eraseEdits(message: Message, since: number, { purgeMessage, readAfter }: Context) {
  const { room, seq } = message
  const notifyId = toNotifyId(message)
  const from = Math.max(seq, since)
  const later = (await readAfter(CHAT_MESSAGES, [chatRoom], { room }, from, maxEvents)) ?? []
  const edits = later.filter(
    ({ data }) => data.kind === 'edit' && data.message.notifyId === notifyId,
  )
  await Promise.all(edits.map((edit) => purgeMessage(CHAT_MESSAGES, edit.seq)))
}
