import { messageResources, requireMessage } from '#domain/messages/change'
import { readClientTime, readLogEntry, selectOwnSpans } from '#domain/messages/message-trace'
import { takeWithinBytes } from '#domain/messages/response-size'
import { toSpan } from '#domain/monitoring/services'
import { defineFunction, FunctionError } from '#runtime'
import { msgTrace } from '#schema/messages/console'

export default defineFunction(
  msgTrace,
  async ({ notifyId }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    if (message.sender !== member.user)
      throw new FunctionError(
        'forbidden',
        `Only ${message.sender} may read the trace of message ${notifyId}`,
      )
    const entry = await readLogEntry(message, context)
    const spans = entry?.trace ? await context.system.spans({ traces: [entry.trace] }) : []
    const writtenAt = readClientTime(message.clientId)
    return {
      at: message.at,
      ...(writtenAt === undefined ? {} : { writtenAt }),
      ...(entry ? { storedAt: entry.at.toISOString() } : {}),
      // The spans may not fit into one response if a client uses one trace id for all its calls.
      spans: takeWithinBytes(selectOwnSpans(spans, message).map(toSpan)),
    }
  },
  { resources: messageResources, limit: { max: 60, windowMs: 60_000 } },
)
