import type { FunctionInfo } from '#runtime'
import type { UserId } from '#schema/ids'

export const realmRoles = ['admin', 'user'] as const
export type RealmRole = (typeof realmRoles)[number]

/**
 * Returns the subjects that a user may subscribe to, and those that they may publish to according to
 * the declarations of the functions. The NATS server denies the user all other subjects.
 */
export function permissionsFor(
  user: UserId,
  userRoles: readonly RealmRole[],
  functions: readonly FunctionInfo[],
): { publish: string[]; subscribe: string[] } {
  return {
    publish: functions.flatMap(({ subject, audience = [] }) =>
      // Only a subject with {caller} proves which user publishes a request.
      subject?.includes('{caller}') && mayCall(audience, userRoles)
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

function mayCall(audience: readonly string[], userRoles: readonly RealmRole[]) {
  if (audience.includes('functions')) return false
  return audience.includes('everyone') || userRoles.some((role) => audience.includes(role))
}
