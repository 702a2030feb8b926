import type { Msg } from '@nats-io/nats-core'
import { CliError } from './failure.ts'
import { print, printJson } from './output.ts'

interface RefusalBody {
  /** An ErrorCode, or the value of `Nats-Service-Error-Code` from a service that is not a function. */
  code: string
  message: string
  details?: unknown
  retryAfterMs?: unknown
}

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

/** Returns undefined if the text is not JSON: other services may send any payload. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
