import type { UserId } from '#schema/ids'
import { appAudience } from '#schema/messages/app'
import { usersId } from '#schema/messages/user'

export const realmRoles = ['admin', 'user'] as const
export type RealmRole = (typeof realmRoles)[number]

/**
 * Returns the subjects that a user may publish and subscribe to. The runtime adds the subjects for
 * requests to functions. A client calls `users.id` before it knows its user id, so the subject of
 * this call contains `identity` instead.
 */
export function permissionsFor(user: UserId, identity: string, roles: readonly string[]) {
  const mayUseApps = appAudience.some((role) => roles.includes(role))
  return {
    publish: [
      `as.${identity}.${usersId.subject}`,
      // This is a pattern, so that users can call an app that is first served after their login.
      ...(mayUseApps ? [`as.${user}.app.*.*.*`] : []),
    ],
    subscribe: [
      `deliver.${identity}.reply.>`,
      `_INBOX_${user}.>`,
      `deliver.${user}.>`,
      'room.notify.*',
      'room.presence.*',
      'room.typing.*',
    ],
  }
}
