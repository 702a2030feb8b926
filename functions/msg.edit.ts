import { defineFunction, FunctionError } from '#runtime'
import { msgEdit } from '#schema/messages/chat'
import {
  changes,
  findChange,
  requireLiving,
  requireMessage,
  showEdited,
  toTarget,
} from './_change.ts'
import { logEvent } from './_log.ts'
import { requireRight } from './_roles.ts'
import { findMentions } from './_send.ts'

/** Replaces what the caller said. Saying the same again changes nothing. */
export default defineFunction(
  msgEdit,
  async ({ notifyId, text }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    requireRight(member, 'speak')
    if (message.sender !== member.user)
      throw new FunctionError(
        'forbidden',
        `Only ${message.sender} may edit what ${message.sender} said`,
      )
    requireLiving(message)
    if (text === message.text) return { seq: (await findChange(message.id)) ?? message.seq }

    const { room } = message
    const at = timeAfter(message.editedAt ?? message.at)
    const mentions = findMentions(text)
    const target = toTarget(message)
    const seq = await logEvent(
      { kind: 'edit', room, by: member.user, at, message: target, text, mentions },
      context,
    )
    await showEdited({ ...message, text, mentions, editedAt: at }, context)
    return { seq }
  },
  { uses: changes, limit: { max: 60, windowMs: 60_000 } },
)

/** Now, and later than what was before, whatever another machine's clock said. */
function timeAfter(at: string): string {
  return new Date(Math.max(Date.now(), Date.parse(at) + 1)).toISOString()
}
