/** The error codes, each with its number in the header `Nats-Service-Error-Code`. */
export const errorStatus = {
  /** The input does not match the contract; `details` lists the issues. A retry is useless. */
  invalid: 400,
  /** The caller has no permission for the call, or must not learn whether the object exists. */
  forbidden: 403,
  /** The object does not exist, and the caller may know that. */
  not_found: 404,
  /** The state of the object does not allow the call. */
  conflict: 409,
  /** The payload is larger than the contract's `maxBytes`, or than the server allows. */
  too_large: 413,
  /** The caller exceeded the rate limit; a retry succeeds after `retryAfterMs`. */
  rate_limited: 429,
  /** The caller aborted the call, or is no longer connected. Handlers never throw this error. */
  cancelled: 499,
  /** The function threw an unexpected error. The log has its stack; the answer has no detail. */
  internal: 500,
  /** A dependency of the function is unavailable, or no process serves the function. Retry. */
  unavailable: 503,
  /** The function's queue was full, so the call never started. Retry after `retryAfterMs`. */
  overloaded: 503,
  /** The connection was lost before the answer arrived: the call may have taken effect. */
  disconnected: 503,
  /** The deadline passed before the answer arrived: the call may have taken effect. */
  timeout: 504,
} as const

/** Callers branch on the code, so the meaning of a code never changes. */
export type ErrorCode = keyof typeof errorStatus

export interface ErrorOptions {
  /** Machine-readable details; for `invalid`, a list of `{ path, message }`. Sent to the caller. */
  details?: unknown
  /** Milliseconds to wait before a retry. Sent to the caller. */
  retryAfterMs?: number
  /** The underlying error. Never sent to the caller. */
  cause?: unknown
}

/** The JSON body of an error reply. */
export interface ErrorBody {
  code: ErrorCode
  message: string
  details?: unknown
  retryAfterMs?: number
}

/**
 * An intended rejection: its code, message and details are sent to the caller. Any other error that a
 * handler throws is a fault, which is logged with its stack. Its caller receives `unavailable` if a
 * dependency is unavailable, otherwise `internal`.
 */
export class FunctionError<Code extends ErrorCode = ErrorCode> extends Error {
  override name = 'FunctionError'
  readonly code: Code
  readonly details: unknown
  readonly retryAfterMs: number | undefined

  constructor(code: Code, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details
    this.retryAfterMs = options.retryAfterMs
  }

  toJSON(): ErrorBody {
    const { code, message, details, retryAfterMs } = this
    return {
      code,
      message,
      ...(details === undefined ? {} : { details }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorStatus, value)
}
