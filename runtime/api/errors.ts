/**
 * Every code an answer can carry, with the number that goes into `Nats-Service-Error-Code`.
 * Callers switch on the code; it never changes meaning.
 */
export const errorStatus = {
  /** The input does not fit the contract; `details` says where. Repeating it is useless. */
  invalid: 400,
  /** Not yours to do or to see, or not there at all: the two look the same from outside. */
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  /** Too often; `retryAfterMs` says when it will work. */
  rate_limited: 429,
  /** The caller gave up. Only a caller sees it. */
  cancelled: 499,
  /** A fault of ours. It is in the log, whole, and not in the answer. */
  internal: 500,
  /** Something this function stands on is down, or nobody serves the function. Worth a retry. */
  unavailable: 503,
  /** Shed before it began, because too much is waiting; `retryAfterMs` says when to come back. */
  overloaded: 503,
  /** The connection went away before the answer: it may or may not have happened. */
  disconnected: 503,
  /** The deadline passed: it may or may not have happened. */
  timeout: 504,
} as const

export type ErrorCode = keyof typeof errorStatus

export interface ErrorOptions {
  /** What a program can use: for `invalid` a list of `{ path, message }`. Reaches the caller. */
  details?: unknown
  /** How long to wait before trying again, in milliseconds. Reaches the caller. */
  retryAfterMs?: number
  /** What lay behind it. Reaches the log alone. */
  cause?: unknown
}

/** What an error looks like on the wire: the JSON body of an answer that is not a value. */
export interface ErrorBody {
  code: ErrorCode
  message: string
  details?: unknown
  retryAfterMs?: number
}

/**
 * An answer given on purpose: its code and message reach the caller. Anything else that is thrown is
 * a fault, is logged whole and reaches the caller as `internal`.
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

/** Whether a name, from the wire or from anywhere, is one of ours. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorStatus, value)
}
