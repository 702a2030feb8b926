import type { CollectedSpan, Context } from '#runtime'
import type { ClientId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom, chatThread } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'

export function readLogEntry({ seq, threadId }: Message, context: Context) {
  return context.read(CHAT_MESSAGES, threadId === undefined ? chatRoom : chatThread, seq)
}

/**
 * Returns the spans that belong to a message, ordered by time. Other users can see the trace id and
 * use it in their own calls, so spans of other users' calls and messages are left out.
 */
export function selectOwnSpans(
  spans: readonly CollectedSpan[],
  { seq, sender }: Message,
): CollectedSpan[] {
  const inOrder = [...spans].sort((a, b) => a.at - b.at)
  const selected = new Map<string, CollectedSpan>()
  for (const span of inOrder) {
    const isCall = span.caller !== ''
    const isOwn = isCall ? span.caller === sender : span.seq === seq
    const isChild = !isCall && span.seq === undefined && selected.has(span.parent ?? '')
    if (isOwn || isChild) selected.set(span.id, span)
  }
  return [...selected.values()]
}

export function readClientTime(clientId: ClientId): string | undefined {
  const [, high = '', low = ''] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i.exec(clientId) ?? []
  const at = Number.parseInt(high + low, 16)
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}
