import { defineFunction, FunctionError } from '#runtime'
import { msgEdit } from '#schema/messages/chat'
import { changes, requireLiving, requireMessage, toTarget } from './_change.ts'
import { logEvent } from './_log.ts'
import { showChanged } from './_message.ts'
import { requireRight } from './_roles.ts'
import { findMentions, requireShort } from './_send.ts'

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
  { uses: changes, limit: { max: 60, windowMs: 60_000 } },
)
