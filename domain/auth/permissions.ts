import type { FunctionInfo } from '#runtime'
import type { UserId } from '#schema/ids'

/** The roles of a person that mean something here. */
export const roles = ['admin', 'user'] as const
export type Role = (typeof roles)[number]

/**
 * What a person may say and hear, from what the functions declare. In this one place: nobody gets
 * more by any other way, and nothing is ever denied, since what is not allowed is.
 */
export function permissionsFor(
  user: UserId,
  held: readonly Role[],
  functions: readonly FunctionInfo[],
): { publish: string[]; subscribe: string[] } {
  return {
    publish: functions.flatMap(({ subject, audience = [] }) =>
      // A subject without the caller in it would be everybody's.
      subject?.includes('{caller}') && mayCall(audience, held)
        ? [subject.replace('{caller}', user).replaceAll(/\{\w+\}/g, '*')]
        : [],
    ),
    subscribe: [
      `_INBOX_${user}.>`,
      `deliver.${user}.>`,
      'room.notify.*',
      'room.presence.*',
      'room.typing.*',
    ],
  }
}

function mayCall(audience: readonly string[], held: readonly Role[]) {
  if (audience.includes('functions')) return false
  return audience.includes('everyone') || held.some((role) => audience.includes(role))
}
