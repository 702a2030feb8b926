/**
 * In the place of valibot, for schema/ alone: what these make knows its parts, of which other schemas are
 * made, and checks nothing.
 */
type Shape = Record<string, unknown>

export const object = (entries: Shape): Shape => ({ entries })
export const strictObject: typeof object = object
export const picklist = (options: readonly string[]): Shape => ({ options })
export const pipe = (first: Shape): Shape => first
export const required = (whole: Shape): Shape => whole

const anything = (): Shape => ({})

export {
  anything as array,
  anything as boolean,
  anything as brand,
  anything as check,
  anything as custom,
  anything as isoTimestamp,
  anything as literal,
  anything as maxLength,
  anything as maxValue,
  anything as minLength,
  anything as minValue,
  anything as number,
  anything as optional,
  anything as record,
  anything as regex,
  anything as safeInteger,
  anything as string,
  anything as trim,
  anything as variant,
}
