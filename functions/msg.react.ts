import { and, eq } from 'drizzle-orm'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { MessageId } from '#schema/ids'
import { msgReact } from '#schema/messages/chat'
import { reactions } from '#schema/tables/message'
import { changes, requireLiving, requireMessage, toTarget } from './_change.ts'
import { logEvent } from './_log.ts'
import { requireRight } from './_roles.ts'

/** So many different ones a message takes. Those who put the last at the same moment may exceed it. */
const mostEmojis = 20

/** Puts an emoji to a message, or takes it away: the last word of each counts. */
export default defineFunction(
  msgReact,
  async ({ notifyId, emoji, on }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    requireRight(member, 'speak')
    requireLiving(message)
    if (on) await requireSpace(message.id, emoji)

    const { room } = message
    const at = new Date().toISOString()
    const target = toTarget(message)
    const seq = await logEvent(
      { kind: 'react', room, by: member.user, at, message: target, emoji, on },
      context,
    )
    return { seq }
  },
  { uses: changes, limit: { max: 120, windowMs: 60_000 } },
)

async function requireSpace(id: MessageId, emoji: string) {
  const used = await db
    .selectDistinct({ emoji: reactions.emoji })
    .from(reactions)
    .where(and(eq(reactions.messageId, id), eq(reactions.on, true)))
  if (used.length >= mostEmojis && !used.some((it) => it.emoji === emoji))
    throw new FunctionError('conflict', `A message takes ${mostEmojis} different emojis`)
}
