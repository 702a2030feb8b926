import type { FunctionInfo } from '#runtime'
import type { UserId } from '#schema/ids'

export const realmRoles = ['admin', 'user'] as const
export type RealmRole = (typeof realmRoles)[number]

export function permissionsFor(
  user: UserId,
  userRoles: readonly RealmRole[],
  functions: readonly FunctionInfo[],
): { publish: string[]; subscribe: string[] } {
  return {
    publish: functions.flatMap(({ subject, audience = [] }) =>
      // A subject without {caller} would let the user send requests in the name of other users.
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
