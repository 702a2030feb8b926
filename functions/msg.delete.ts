import { type Context, defineFunction } from '#runtime'
import { toNotifyId } from '#schema/ids'
import { type Message, msgDelete } from '#schema/messages/chat'
import { chatRoom, type RoomEventOf } from '#schema/messages/log'
import { CHAT_MESSAGES } from '#schema/streams'
import { changes, requireMessage, toTarget } from './_change.ts'
import { logEvent } from './_log.ts'
import { showChanged } from './_message.ts'
import { persistAhead } from './_persist.ts'
import { requireRight } from './_roles.ts'

/** `persist` erases what lies further from the message than so many events of its room. */
const mostEvents = 500

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
    if (deletedAt) return { seq: message.editedSeq ?? message.seq }

    const at = new Date().toISOString()
    const data: RoomEventOf<'delete'> = {
      kind: 'delete',
      room,
      by: member.user,
      at,
      message: { ...toTarget(message), sender, clientId, at: message.at },
    }
    // No client can have a message go by this id: one with a dot is no client id.
    const seq = await logEvent(data, context, `msg.delete.${id}`)
    const { editedAt: _, ...unedited } = message
    await Promise.all([
      showChanged({ ...unedited, text: '', mentions: [], deletedAt: at, editedSeq: seq }, context),
      persistAhead({ seq, data }, context).catch(async (error) => {
        context.log.warn({ err: error, id }, 'not yet deleted from the database')
        await eraseFromLog(message, context)
      }),
    ])
    return { seq }
  },
  { uses: changes, limit: { max: 120, windowMs: 60_000 } },
)

/** What was said and what it was edited to, as far back as the log is read at once. */
async function eraseFromLog(message: Message, { erase, readAfter }: Context) {
  const { room, seq } = message
  const notifyId = toNotifyId(message)
  const later = (await readAfter(CHAT_MESSAGES, [chatRoom], { room }, seq, mostEvents)) ?? []
  const edits = later.filter(
    ({ data }) => data.kind === 'edit' && data.message.notifyId === notifyId,
  )
  const seqs = [seq, ...edits.map((edit) => edit.seq)]
  await Promise.all(seqs.map((it) => erase(CHAT_MESSAGES, it)))
}
