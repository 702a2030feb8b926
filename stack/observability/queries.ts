import { errorStatus } from '../../runtime/api/errors.ts'

/** The error codes of failures that are not the caller's fault. */
export const faultCodes = Object.entries(errorStatus)
  // Leaves out `disconnected`: a caller creates this error itself when it loses its own connection.
  .filter(([code, status]) => status >= 500 && code !== 'disconnected')
  .map(([code]) => code)

export const faults = `code=~"${faultCodes.join('|')}"`

/** Returns a PromQL matcher for functions with these names. Escapes the dots in the names. */
export function oneOf(names: readonly string[], operator: '=~' | '!~' = '=~'): string {
  return `function${operator}"${names.map((name) => name.replaceAll('.', '[.]')).join('|')}"`
}

export function quantile(q: number, selector: string, window: string): string {
  const rate = `rate(natter_call_duration_seconds_bucket${selector}[${window}])`
  return `histogram_quantile(${q}, sum by (function, le) (${rate}))`
}
