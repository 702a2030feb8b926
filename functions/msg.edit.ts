import { appendEvent } from '#domain/log/append'
import {
  messageResources,
  requireMessage,
  requireNotDeleted,
  toTarget,
} from '#domain/messages/change'
import { updateCachedMessage } from '#domain/messages/message-cache'
import { findMentions, requireTextLength } from '#domain/messages/send'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import { msgEdit } from '#schema/messages/chat'

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
    const mentions = findMentions(text)
    const target = toTarget(message)
    const seq = await appendEvent(
      { kind: 'edit', room, by: member.user, at, message: target, text, mentions },
      context,
    )
    await updateCachedMessage({ ...message, text, mentions, editedAt: at, editedSeq: seq }, context)
    return { seq }
  },
  { resources: messageResources, limit: { max: 60, windowMs: 60_000 } },
)
