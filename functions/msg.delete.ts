import { defineFunction } from '#runtime'
import { msgDelete } from '#schema/messages/chat'
import type { RoomEventOf } from '#schema/messages/log'
import { CHAT_MESSAGES } from '#schema/streams'
import { changes, findChange, requireMessage, toTarget } from './_change.ts'
import { logEvent } from './_log.ts'
import { replaceMessage } from './_message.ts'
import { persistAhead } from './_persist.ts'
import { requireRight } from './_roles.ts'

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
    const earlier = deletedAt === undefined ? undefined : await findChange(id)
    if (earlier !== undefined) return { seq: earlier }

    const at = deletedAt ?? new Date().toISOString()
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
      replaceMessage({ ...unedited, text: '', mentions: [], deletedAt: at }, context),
      persistAhead({ seq, data }, context).catch(async (error) => {
        context.log.warn({ err: error, id }, 'not yet deleted from the database')
        await context.erase(CHAT_MESSAGES, message.seq)
      }),
    ])
    return { seq }
  },
  { uses: changes, limit: { max: 120, windowMs: 60_000 } },
)
