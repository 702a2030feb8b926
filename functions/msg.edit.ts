import { logEvent } from '#domain/log/append'
import { changes, requireLiving, requireMessage, toTarget } from '#domain/messages/change'
import { showChanged } from '#domain/messages/message-cache'
import { findMentions, requireShort } from '#domain/messages/send'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import { msgEdit } from '#schema/messages/chat'

/** Replaces what the caller said. Saying the same again changes nothing. */
export default defineFunction(
  msgEdit,
  async ({ notifyId, text }, context) => {
    requireShort(text)
    const { message, member } = await requireMessage(notifyId, context)
    requireRight(member, 'speak')
    if (message.sender !== member.user)
      throw new FunctionError(
        'forbidden',
        `Only ${message.sender} may edit what ${message.sender} said`,
      )
    requireLiving(message)
    if (text === message.text) return { seq: message.editedSeq ?? message.seq }

    const { room } = message
    const at = new Date().toISOString()
    const mentions = findMentions(text)
    const target = toTarget(message)
    const seq = await logEvent(
      { kind: 'edit', room, by: member.user, at, message: target, text, mentions },
      context,
    )
    await showChanged({ ...message, text, mentions, editedAt: at, editedSeq: seq }, context)
    return { seq }
  },
  { resources: changes, limit: { max: 60, windowMs: 60_000 } },
)
