import type { Msg } from '@nats-io/nats-core'
import { CliError } from './failure.ts'
import { print, printJson } from './output.ts'

interface RefusalBody {
  /** An error code of the runtime, or the status of another service. */
  code: string
  message: string
  details?: unknown
  retryAfterMs?: unknown
}

/** An error reply of a function, or an error of the call: `not_found: Room x does not exist`. */
export class Refusal extends CliError {
  readonly #text: string

  constructor(body: RefusalBody, json = false) {
    super(body.message)
    this.#text = json ? JSON.stringify(body) : describe(body)
  }

  override toString() {
    return this.#text
  }
}

/** Prints a reply. Throws a Refusal for an error reply, also of another service. */
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
  if (retryAfterMs !== undefined) lines.push(`retry after ${retryAfterMs} ms`)
  return lines.join('\n')
}

/** Returns undefined for a payload that is not JSON, as other services may send. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
