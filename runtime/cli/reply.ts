import type { Msg } from '@nats-io/nats-core'
import { CliError } from './failure.ts'
import { print, printJson } from './output.ts'

interface RefusalBody {
  /** One of ours, or the status another service gave. */
  code: string
  message: string
  details?: unknown
  retryAfterMs?: unknown
}

/** An error answer, from the function or about the way to it: `not_found: There is no room x`. */
export class Refusal extends CliError {
  readonly #shown: string

  constructor(body: RefusalBody, json = false) {
    super(body.message)
    this.#shown = json ? JSON.stringify(body) : describe(body)
  }

  override toString() {
    return this.#shown
  }
}

/** Prints an answer; throws a Refusal for an error answer, ours or another service's. */
export function printReply(reply: Msg, json = false): void {
  const text = reply.string()
  const body = parse(text)
  const status = reply.headers?.get('Nats-Service-Error-Code')
  if (status) {
    const { code, message } = Object(body) as Record<string, unknown>
    if (typeof code === 'string' && typeof message === 'string')
      throw new Refusal(body as RefusalBody, json)
    const reason = reply.headers?.get('Nats-Service-Error') || 'no reason given'
    throw new Refusal({ code: status, message: reason, details: body ?? (text || undefined) }, json)
  }
  if (json) printJson(body ?? (text || null))
  else if (text !== '') print(body === undefined ? text : JSON.stringify(body, null, 2))
}

function describe({ code, message, details, retryAfterMs }: RefusalBody) {
  const lines = [`${code}: ${message}`]
  if (details !== undefined) lines.push(JSON.stringify(details, null, 2))
  if (retryAfterMs !== undefined) lines.push(`try again after ${retryAfterMs} ms`)
  return lines.join('\n')
}

/** Undefined for what is not JSON: other services answer what they like. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
