/**
 * Replaces valibot in the modules of schema/ that the page imports. The schemas of this stub
 * validate nothing, and have only the fields `entries` and `options`, which code of the page reads.
 */
type SchemaStub = Record<string, unknown>

export const object = (entries: SchemaStub): SchemaStub => ({ entries })
export const strictObject: typeof object = object
export const picklist = (options: readonly string[]): SchemaStub => ({ options })
export const pipe = (first: SchemaStub): SchemaStub => first
export const required = (whole: SchemaStub): SchemaStub => whole

const anything = (): SchemaStub => ({})

export {
  anything as array,
  anything as boolean,
  anything as brand,
  anything as check,
  anything as custom,
  anything as is,
  anything as isoTimestamp,
  anything as literal,
  anything as maxLength,
  anything as maxValue,
  anything as minLength,
  anything as minValue,
  anything as nullable,
  anything as number,
  anything as optional,
  anything as rawTransform,
  anything as record,
  anything as regex,
  anything as safeInteger,
  anything as string,
  anything as trim,
  anything as union,
  anything as unknown,
  anything as variant,
}
