/** The error codes, and the number that each puts into `Nats-Service-Error-Code`. */
export const errorStatus = {
  /** The input does not match the contract; `details` lists the issues. A retry is useless. */
  invalid: 400,
  /** The caller lacks permission, or the object does not exist: callers cannot tell which. */
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  /** The caller exceeded the rate limit; a retry succeeds after `retryAfterMs`. */
  rate_limited: 429,
  /** The caller aborted the call. The client creates it, functions never do. */
  cancelled: 499,
  /** The function has a fault. Its log has the stack; the answer has no detail. */
  internal: 500,
  /** A dependency of the function is unavailable, or no process serves it. A retry may succeed. */
  unavailable: 503,
  /** Rejected before it started because the queue is full; retry after `retryAfterMs`. */
  overloaded: 503,
  /** The connection was lost before the answer: the call may or may not have taken effect. */
  disconnected: 503,
  /** The deadline passed: the call may or may not have taken effect. */
  timeout: 504,
} as const

/** Callers switch on the code. The meaning of a code never changes. */
export type ErrorCode = keyof typeof errorStatus

export interface ErrorOptions {
  /** Machine-readable; for `invalid` a list of `{ path, message }`. Sent to the caller. */
  details?: unknown
  /** Milliseconds before a retry. Sent to the caller. */
  retryAfterMs?: number
  /** The underlying error. Logged, never sent. */
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
 * handler throws is a fault: logged with its stack and answered with `internal`, or with `unavailable`
 * when it means that a dependency is.
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
