import { type ErrorBody, errorStatus, FunctionError } from '../api/errors.ts'
import { createContractCaller } from '../client/client.ts'
import type { Requester } from '../client/requester.ts'
import { toFunctionError } from '../nats/unavailable.ts'
import type { LoadedFunction } from './loaded-function.ts'

/**
 * Maximum time for an instance to answer a webhook. After this time, the supervisor asks the next
 * instance. So a function with a webhook must have a shorter timeout: otherwise, it would be called
 * again while the first call still runs.
 */
export const maxWebhookMs = 10_000

/** An HTTP request to the path of a function's `webhook`. */
export interface WebhookCall {
  path: string
  input: Readonly<Record<string, unknown>>
}

export interface WebhookAnswer {
  /** The HTTP status: 200, or that of the error code. */
  status: number
  body: unknown
}

/**
 * Returns a function that answers webhook calls: it calls the function of this process whose option
 * `webhook` equals the path. It sends the call over NATS, so another process may serve it. Never
 * rejects.
 */
export function createWebhooks(
  functions: readonly LoadedFunction[],
  requester: Requester,
): (call: WebhookCall) => Promise<WebhookAnswer> {
  const callers = new Map(
    functions.flatMap(({ definition: { contract, options } }) =>
      contract && options.webhook
        ? [[options.webhook, createContractCaller(requester, contract)] as const]
        : [],
    ),
  )
  return async ({ path, input }) => {
    const caller = callers.get(path)
    if (!caller) return toAnswer(new FunctionError('not_found', `No function serves ${path}`))
    try {
      return { status: 200, body: await caller.ask(input, {}) }
    } catch (error) {
      return toAnswer(toFunctionError(error))
    }
  }
}

function toAnswer(error: FunctionError): WebhookAnswer {
  const body: ErrorBody = error.toJSON()
  return { status: errorStatus[error.code], body }
}
