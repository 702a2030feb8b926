import type { FunctionInfo } from '#runtime'

/** The roles of a person that mean something here. */
export const roles = ['admin', 'user'] as const
export type Role = (typeof roles)[number]

/**
 * What a person may say and hear, from what the functions declare. In this one place: nobody gets
 * more by any other way, and nothing is ever denied, since what is not allowed is.
 */
export function permissionsFor(
  user: string,
  held: readonly Role[],
  functions: readonly FunctionInfo[],
): { publish: string[]; subscribe: string[] } {
  const mayAsk = ({ audience = [] }: FunctionInfo) =>
    !audience.includes('functions') &&
    audience.some((who) => who === 'everyone' || held.some((role) => role === who))
  return {
    publish: functions.flatMap((it) =>
      it.subject && mayAsk(it)
        ? [it.subject.replace('{caller}', user).replaceAll(/\{\w+\}/g, '*')]
        : [],
    ),
    subscribe: [`_INBOX_${user}.>`, `deliver.${user}.>`, 'room.notify.*', 'room.presence.*'],
  }
}
