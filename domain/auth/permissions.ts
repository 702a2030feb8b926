import type { UserId } from '#schema/ids'

export const realmRoles = ['admin', 'user'] as const
export type RealmRole = (typeof realmRoles)[number]

/** Returns the subjects that a user may subscribe to. The runtime derives those for requests. */
export function subscriptionsOf(user: UserId): string[] {
  return [
    `_INBOX_${user}.>`,
    `deliver.${user}.>`,
    'room.notify.*',
    'room.presence.*',
    'room.typing.*',
  ]
}
