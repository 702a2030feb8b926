import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Schema } from './contract.ts'

export type Validation = { value: unknown; issues?: never } | { value?: never; issues: Issue[] }

export interface Issue {
  path: string
  message: string
}

/** Throws a TypeError for an asynchronous schema. */
export function validateSync(schema: Schema, value: unknown): Validation {
  return toValidation(validate(schema, value))
}

/**
 * Validates environment variables. The messages of the issues do not contain the variables' values,
 * which may be secret.
 */
export function validateEnv(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): Validation {
  const result = validate(schema, env)
  if (!result.issues) return toValidation(result)
  const hidden = result.issues.map((issue) => {
    const [part] = issue.path ?? []
    const value = env[String(typeof part === 'object' ? part.key : part)]
    return value ? { ...issue, message: issue.message.replaceAll(value, () => '…') } : issue
  })
  return toValidation({ issues: hidden })
}

function validate(schema: Schema, value: unknown): StandardSchemaV1.Result<unknown> {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) throw new TypeError('An async schema cannot be used here')
  return result
}

export function describeIssues(issues: readonly Issue[]): string {
  const [first] = issues
  if (!first) return 'It does not fit'
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  return `${first.path ? `${first.path}: ` : ''}${first.message}${more}`
}

function toValidation(result: StandardSchemaV1.Result<unknown>): Validation {
  if (!result.issues) return { value: result.value }
  return {
    issues: result.issues.slice(0, 10).map(({ path, message }) => ({
      path: (path ?? [])
        .map((part) => String(typeof part === 'object' ? part.key : part))
        .join('.'),
      message: message.slice(0, 200),
    })),
  }
}
