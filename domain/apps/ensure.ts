import { type ErrorCode, FunctionError } from '#runtime'

/** Rejects the call with an error code and a message, unless the condition is true. */
export function ensure(condition: unknown, code: ErrorCode, message: string): asserts condition {
  if (!condition) throw new FunctionError(code, message)
}
