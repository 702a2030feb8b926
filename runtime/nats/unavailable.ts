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
 * Codes of SQL and of the drivers for an unavailable database: connection exceptions, insufficient
 * resources, shutdown and startup.
 */
const databaseCodes = /^(08...|53...|57P0[0-5]|CONNECTION_\w+|CONNECT_TIMEOUT)$/

/**
 * Returns whether an error means that a dependency is unavailable, so that a retry may succeed.
 * Follows `cause`, because libraries wrap errors.
 */
export function isUnavailable(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; depth++) {
    if (cause instanceof FunctionError)
      return ['unavailable', 'overloaded', 'disconnected', 'timeout'].includes(cause.code)
    const code = 'code' in cause ? cause.code : undefined
    if (typeof code === 'string' && (networkCodes.has(code) || databaseCodes.test(code)))
      return true
    cause = cause.cause
  }
  return false
}

/** Returns the error that the caller receives for a thrown value. */
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
