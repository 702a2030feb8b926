import type { Role } from './messages/room.ts'

const rights = {
  /** The right to send messages, to edit own messages, and to react. */
  speak: ['owner', 'moderator', 'member'],
  /**
   * The right to delete messages of other users, and to read the earlier texts of edited messages.
   */
  moderate: ['owner', 'moderator'],
  mentionGroup: ['owner', 'moderator'],
  invite: ['owner', 'moderator', 'member'],
  kick: ['owner', 'moderator'],
  rename: ['owner', 'moderator'],
  /** The right to change the roles of members, within the limits of `mayManage`. */
  appoint: ['owner', 'moderator'],
  archive: ['owner'],
  manageApps: ['owner', 'moderator'],
} as const satisfies Record<string, readonly Role[]>

export type Right = keyof typeof rights

const ranks: Record<Role, number> = { owner: 3, moderator: 2, member: 1, guest: 0 }

export function hasRight({ role }: { role: Role }, right: Right): boolean {
  return (rights[right] as readonly Role[]).includes(role)
}

/**
 * Returns true if the role `manager` ranks above the role `target`. An owner may manage every role,
 * including other owners.
 */
export function mayManage(manager: Role, target: Role): boolean {
  return manager === 'owner' || ranks[manager] > ranks[target]
}
