import { appendEvent } from '#domain/log/append'
import {
  messageResources,
  requireMessage,
  requireNotDeleted,
  toTarget,
} from '#domain/messages/change'
import { findPresentAtSend, resolveMentions } from '#domain/messages/mentions'
import { updateCachedMessage } from '#domain/messages/message-cache'
import { requireTextLength } from '#domain/messages/send'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import type { UserId } from '#schema/ids'
import { msgEdit } from '#schema/messages/chat'
import { PRESENCE } from '#schema/streams'

export default defineFunction(
  msgEdit,
  async ({ notifyId, text }, context) => {
    requireTextLength(text)
    const { message, member } = await requireMessage(notifyId, context)
    requireRight(member, 'speak')
    if (message.sender !== member.user)
      throw new FunctionError('forbidden', `Only ${message.sender} may edit message ${notifyId}`)
    requireNotDeleted(message)
    if (text === message.text) return { seq: message.editedSeq ?? message.seq }

    const { room } = message
    const at = new Date().toISOString()
    const place = { room, isReply: message.threadId !== undefined, by: member }
    const mentioned = await resolveMentions(text, place, context)
    const { mentions } = mentioned
    if (mentioned.present && message.mentions.includes('here' as UserId))
      mentioned.present.push(...(await findPresentAtSend(message)))
    const target = toTarget(message)
    const seq = await appendEvent(
      { kind: 'edit', room, by: member.user, at, message: target, text, ...mentioned },
      context,
    )
    await updateCachedMessage({ ...message, text, mentions, editedAt: at, editedSeq: seq }, context)
    return { seq }
  },
  { resources: [...messageResources, PRESENCE], limit: { max: 60, windowMs: 60_000 } },
)
