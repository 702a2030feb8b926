import type { UserId } from '#schema/ids'
import { usersId } from '#schema/messages/user'

export const realmRoles = ['admin', 'user'] as const
export type RealmRole = (typeof realmRoles)[number]

/**
 * Returns the subjects that a user may use besides those for requests, which the runtime derives.
 * `identity` stands for the user id in the subject of `users.id`, which the client calls to learn that id.
 */
export function permissionsFor(user: UserId, identity: string) {
  return {
    publish: [`as.${identity}.${usersId.subject}`],
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
