import type { FunctionInfo } from './context.ts'
import { isToken, overlaps, parseSubject } from './subject.ts'

function mayCall(audience: readonly string[], roles: readonly string[]): boolean {
  if (audience.includes('functions')) return false
  return audience.includes('everyone') || roles.some((role) => audience.includes(role))
}

/**
 * Returns patterns of the request subjects that a user with these roles may publish to. Throws a
 * TypeError if the user's id is not a valid subject token: with the id `*`, the user could send
 * requests as any user.
 */
export function requestPatterns(
  functions: readonly FunctionInfo[],
  user: string,
  roles: readonly string[],
): string[] {
  if (!isToken(user))
    throw new TypeError(`${JSON.stringify(user)} cannot be a user: it is no subject token`)
  return functions.flatMap(({ subject, audience = [] }) => {
    if (subject === undefined || !mayCall(audience, roles)) return []
    const parsed = parseSubject(subject)
    return parsed.callerIndex < 0 ? [] : [parsed.narrow({}, user)]
  })
}

/**
 * Checks the subject patterns to which an auth callout lets a user publish in addition to those of
 * `requestPatterns` (`AuthGrant.publish`). Throws a TypeError if one of them matches requests of another user, or
 * requests to a function that these roles may not call. `callers` has the id and the aliases of the
 * user who logs in.
 */
export function checkPublish(
  patterns: readonly string[],
  functions: readonly FunctionInfo[],
  callers: readonly string[],
  roles: readonly string[],
): void {
  for (const { name, subject, audience = [] } of functions) {
    if (subject === undefined) continue
    const { pattern, callerIndex } = parseSubject(subject)
    for (const publish of patterns) {
      if (!overlaps(publish, pattern)) continue
      if (mayCall(audience, roles) && callers.includes(publish.split('.')[callerIndex] ?? ''))
        continue
      throw new TypeError(
        `${callers[0]} may not publish ${publish}: it matches ${subject} of ${name}, whose audience is ` +
          `${audience.join(', ')}`,
      )
    }
  }
}
