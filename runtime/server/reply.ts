import type { Msg, NatsConnection } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import { replyHeader, replySubject } from '../api/contract.ts'
import type { ErrorBody, FunctionError } from '../api/errors.ts'
import { writeHeaders } from '../api/headers.ts'
import { tokenAt } from '../api/subject.ts'

/**
 * Matches the reply subject that the server generates for a request from another account, with or
 * without the prefix of a gateway.
 */
const imported = /(^|\.)_R_\./
const validToken = /^[\w-]{1,64}(\.[\w-]{1,64})?$/
const hintIntervalMs = 1_000
const hint = writeHeaders({
  'Nats-Service-Error-Code': '400',
  'Nats-Service-Error': `the header ${replyHeader} is missing or invalid`,
})
let nextHintAt = 0
const maxErrorLength = 1_000

/**
 * Returns the subject for the replies to a request, or an empty string if they cannot be sent.
 *
 * A client of another account can name any reply subject, such as one on which many users receive
 * events. The server does not check this subject, and does not pass it to the function. So the
 * replies are published on `deliver.{user}.reply.{token}`, with the client's own user and the token
 * from the header of its request.
 */
export function readReplySubject(
  message: Pick<Msg, 'reply' | 'subject' | 'headers'>,
  callerIndex: number,
): string {
  const { reply = '' } = message
  if (callerIndex < 0 || !imported.test(reply)) return reply
  const token = readToken(message)
  return validToken.test(token) ? replySubject(tokenAt(message.subject, callerIndex), token) : ''
}

/**
 * Tells a client of another account that its request has no valid reply token. The client may have
 * named a subject of other users as the reply subject. So a hint has no payload, and at most one is
 * sent per second.
 */
export function sendHint(nc: NatsConnection, reply: string | undefined): void {
  const now = performance.now()
  if (!reply || now < nextHintAt) return
  nextHintAt = now + hintIntervalMs
  nc.publish(reply, undefined, { headers: hint })
}

/**
 * Passes a serialized error to `send`. If that fails, passes it once more without its details: they
 * may not be serializable (a BigInt, a cycle), or may exceed the server's maximum payload.
 */
export function sendError<Result>(
  reason: FunctionError | ErrorBody,
  log: Logger,
  send: (payload: string) => Result,
): Result {
  try {
    return send(JSON.stringify(reason))
  } catch (err) {
    const { code, retryAfterMs } = reason
    log.error({ err, code }, 'error sent without its details')
    const message = reason.message.slice(0, maxErrorLength)
    return send(
      JSON.stringify({ code, message, ...(Number.isFinite(retryAfterMs) ? { retryAfterMs } : {}) }),
    )
  }
}

function readToken(message: Pick<Msg, 'headers'>): string {
  try {
    return message.headers?.get(replyHeader) ?? ''
  } catch {
    // The client has sent malformed headers, so there is no token.
    return ''
  }
}
