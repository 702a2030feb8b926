import type { Msg } from '@nats-io/nats-core'
import { maxTimeoutMs, timeoutHeader } from '../api/contract.ts'
import type { ErrorBody, ErrorCode } from '../api/errors.ts'
import { type Subject, tokenAt } from '../api/subject.ts'
import { readObject } from './function-host.ts'

export type Incoming = Pick<Msg, 'data' | 'headers' | 'json' | 'reply' | 'subject'>

/** Returns the input, or a refusal. Throwing a refusal would cost more. */
export function readInput(
  message: Incoming,
  subject: Subject,
  maxBytes: number,
): { data: Record<string, unknown> } | { refusal: ErrorBody } {
  const bytes = message.data.length
  if (bytes > maxBytes)
    return {
      refusal: refusal(`The payload has ${bytes} bytes; the maximum is ${maxBytes}`, 'too_large'),
    }
  try {
    const data = bytes === 0 ? {} : readObject(message)
    for (const { name, index } of subject.paramPositions) {
      const token = tokenAt(message.subject, index)
      if (Object.hasOwn(data, name) && data[name] !== token)
        return { refusal: refusal(`"${name}" in the payload differs from the subject's ${token}`) }
      data[name] = token
    }
    return { data }
  } catch (error) {
    return { refusal: refusal((error as Error).message) }
  }
}

export function readLoosely(message: Incoming): Record<string, unknown> {
  try {
    return readObject(message)
  } catch {
    return {}
  }
}

export function readTimeout(message: Incoming, defaultMs: number): number {
  try {
    const ms = Number(message.headers?.get(timeoutHeader) || defaultMs)
    return ms > 0 ? Math.min(ms, maxTimeoutMs) : defaultMs
  } catch {
    // Reading malformed headers throws. The default timeout then applies.
    return defaultMs
  }
}

export function refusal(message: string, code: ErrorCode = 'invalid'): ErrorBody {
  return { code, message }
}
