import type { ServiceMsg } from '@nats-io/services'
import type { Logger } from 'pino'
import { errorStatus, FunctionError } from '../api/errors.ts'
import { isUnavailable, toFunctionError } from '../nats/unavailable.ts'
import { toError } from './faults.ts'
import { sendError } from './reply.ts'

export function readReplaySequence(message: ServiceMsg): number | undefined {
  try {
    const { replay } = Object(message.json()) as { replay?: unknown }
    return Number.isSafeInteger(replay) ? (replay as number) : undefined
  } catch {
    return undefined
  }
}

/** Replies with `{"replayed": …}`, or with an error: `conflict` if the handler failed again. */
export async function answerReplay(
  message: ServiceMsg,
  outcome: Promise<boolean>,
  log: Logger,
): Promise<void> {
  try {
    message.respond(JSON.stringify({ replayed: await outcome }))
  } catch (error) {
    const reason = toError(error).message
    const refusal = isUnavailable(error)
      ? toFunctionError(error)
      : new FunctionError('conflict', `It failed again: ${reason.slice(0, 300)}`)
    sendError(refusal, log, (payload) =>
      message.respondError(errorStatus[refusal.code], refusal.code, payload),
    )
  }
}
