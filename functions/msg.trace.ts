import { messageResources, requireMessage } from '#domain/messages/change'
import { takeWithinBytes } from '#domain/messages/response-size'
import { toSpan } from '#domain/monitoring/services'
import { type CollectedSpan, type Context, defineFunction, FunctionError } from '#runtime'
import type { ClientId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { msgTrace } from '#schema/messages/console'
import { chatRoom, chatThread } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'

/** Shows the path of a message to whoever said it. */
export default defineFunction(
  msgTrace,
  async ({ notifyId }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    if (message.sender !== member.user)
      throw new FunctionError('forbidden', 'Only who said it may see which way it took')
    const stored = await readStored(message, context)
    const found = stored?.trace ? await context.system.spans({ traces: [stored.trace] }) : []
    const writtenAt = readTime(message.clientId)
    return {
      at: message.at,
      ...(writtenAt === undefined ? {} : { writtenAt }),
      ...(stored ? { storedAt: stored.at.toISOString() } : {}),
      // Whoever calls all that they ask one trace has more of it than fits.
      spans: takeWithinBytes(select(found, message).map(toSpan)),
    }
  },
  { resources: messageResources, limit: { max: 60, windowMs: 60_000 } },
)

/** As the log has it; undefined for what was deleted, or is older than the log. */
function readStored({ seq, threadId }: Message, context: Context) {
  return context.read(CHAT_MESSAGES, threadId === undefined ? chatRoom : chatThread, seq)
}

/**
 * The steps that have to do with this message. Others see the id of its trace, and may say that what
 * they do is part of it: what they asked is left out, and what was done with other messages.
 */
function select(spans: readonly CollectedSpan[], { seq, sender }: Message): CollectedSpan[] {
  const inOrder = [...spans].sort((a, b) => a.at - b.at)
  const chosen = new Map<string, CollectedSpan>()
  for (const span of inOrder) {
    const isAsked = span.caller !== ''
    const isOwn = isAsked ? span.caller === sender : span.seq === seq
    const isBelow = !isAsked && span.seq === undefined && chosen.has(span.parent ?? '')
    if (isOwn || isBelow) chosen.set(span.id, span)
  }
  return [...chosen.values()]
}

/** When it was written, where its client says so by its id: a UUIDv7. */
function readTime(clientId: ClientId): string | undefined {
  const [, high = '', low = ''] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i.exec(clientId) ?? []
  const at = Number.parseInt(high + low, 16)
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}
