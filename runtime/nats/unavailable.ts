import { FunctionError } from '../api/errors.ts'

const network = new Set([
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
 * Codes of the SQL standard and of the drivers that mean the database is away or has no room, not that
 * the statement was wrong: connection exceptions, no resources, shutting down or starting up.
 */
const database = /^(08...|53...|57P0[0-5]|CONNECTION_\w+|CONNECT_TIMEOUT)$/

/**
 * Whether an error says that something the function stands on is away, and that the same attempt may
 * succeed later. Looks through `cause`, since libraries wrap.
 */
export function isUnavailable(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (at instanceof FunctionError)
      return ['unavailable', 'overloaded', 'disconnected', 'timeout'].includes(at.code)
    const code = 'code' in at ? at.code : undefined
    if (typeof code === 'string' && (network.has(code) || database.test(code))) return true
  }
  return false
}

/** What a caller is told of something that was thrown. */
export function toFunctionError(error: unknown): FunctionError {
  if (error instanceof FunctionError) return error
  return isUnavailable(error)
    ? new FunctionError('unavailable', 'What this function needs is away; try again', {
        retryAfterMs: 1_000,
        cause: error,
      })
    : new FunctionError('internal', 'The function failed; the reason is in its log', {
        cause: error,
      })
}
