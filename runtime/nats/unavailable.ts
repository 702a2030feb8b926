import { FunctionError } from '../api/errors.ts'

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
])

/**
 * SQLSTATE and driver codes that mean that the database is unavailable: connection exceptions,
 * insufficient resources, shutdown and startup.
 */
const databaseCodes = /^(08...|53...|57P0[0-5]|CONNECTION_\w+|CONNECT_TIMEOUT)$/

/**
 * JetStream's error code if a new stream needs more replicas than servers of the cluster are
 * running.
 */
const noSuitablePeers = 10_005

/** Returns whether the error means that JetStream has no leader, or too few servers. */
export function isJetStreamUnavailable(error: Error & { status?: number; code?: unknown }) {
  return (
    error.name === 'JetStreamApiError' && (error.status === 503 || error.code === noSuitablePeers)
  )
}

export function isUnavailable(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; depth++) {
    if (cause instanceof FunctionError)
      return ['unavailable', 'overloaded', 'disconnected', 'timeout'].includes(cause.code)
    if (isJetStreamUnavailable(cause)) return true
    const code = 'code' in cause ? cause.code : undefined
    if (typeof code === 'string' && (networkCodes.has(code) || databaseCodes.test(code)))
      return true
    cause = cause.cause
  }
  return false
}

/**
 * Joins the messages of an error and its causes. Omits a message that is part of an earlier one.
 */
export function describeCauses(error: unknown): string {
  const parts: string[] = []
  for (let cause = error, depth = 0; cause !== undefined && depth < 8; depth++) {
    const { message, code, name } = Object(cause) as NodeJS.ErrnoException
    // A failed connection throws an AggregateError, which has a code, but no message.
    const part = cause instanceof Error ? message || code || name : String(cause)
    if (!parts.some((earlier) => earlier.includes(part))) parts.push(part)
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return parts.join(': ')
}

export function toFunctionError(error: unknown): FunctionError {
  if (error instanceof FunctionError) return error
  return isUnavailable(error)
    ? new FunctionError('unavailable', 'A dependency is unavailable; try again', {
        retryAfterMs: 1_000,
        cause: error,
      })
    : new FunctionError('internal', 'The function failed; its log has the reason', {
        cause: error,
      })
}
