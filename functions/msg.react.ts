import { appendEvent } from '#domain/log/append'
import {
  messageResources,
  requireMessage,
  requireNotDeleted,
  toTarget,
} from '#domain/messages/change'
import { findReaction, readEmojis } from '#domain/messages/reactions'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import { msgReact } from '#schema/messages/chat'

/** Maximum number of different emojis on a message; concurrent calls may exceed it. */
const maxEmojis = 20

export default defineFunction(
  msgReact,
  async ({ notifyId, emoji, on }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    requireRight(member, 'speak')
    requireNotDeleted(message)
    const emojis = await readEmojis(message.id, member.user)
    const existing = emojis.find((used) => used.emoji === emoji)
    const key = { message, user: member.user, emoji }
    const reaction = await findReaction(key, existing?.own, context)
    if (reaction?.on === on) return { seq: reaction.seq }
    const others = emojis.filter((used) => used.emoji !== emoji && used.isOn)
    if (on && others.length >= maxEmojis && !existing?.isOn)
      throw new FunctionError('conflict', `Message ${notifyId} already has ${maxEmojis} emojis`)

    const { room } = message
    const at = new Date().toISOString()
    const target = toTarget(message)
    const seq = await appendEvent(
      { kind: 'react', room, by: member.user, at, message: target, emoji, on },
      context,
    )
    return { seq }
  },
  { resources: messageResources, limit: { max: 120, windowMs: 60_000 } },
)
