import type { Role } from './messages/room.ts'

/** The roles that have each right. */
const rights = {
  /** Send messages, edit own ones, and react. */
  speak: ['owner', 'moderator', 'member'],
  /** Delete messages of others, and read earlier texts of edited messages. */
  moderate: ['owner', 'moderator'],
  invite: ['owner', 'moderator', 'member'],
  kick: ['owner', 'moderator'],
  rename: ['owner', 'moderator'],
  /** Change roles, within the limits of `mayRuleOver`. */
  appoint: ['owner', 'moderator'],
  archive: ['owner'],
} as const satisfies Record<string, readonly Role[]>

export type Right = keyof typeof rights

const ranks: Record<Role, number> = { owner: 3, moderator: 2, member: 1, guest: 0 }

export function hasRight({ role }: { role: Role }, right: Right): boolean {
  return (rights[right] as readonly Role[]).includes(role)
}

/** Returns true if `ruler` ranks above `ruled`; an owner may also change another owner. */
export function mayRuleOver(ruler: Role, ruled: Role): boolean {
  return ruler === 'owner' || ranks[ruler] > ranks[ruled]
}
