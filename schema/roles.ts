import type { Role } from './messages/room.ts'

/** Who may do what in a room. The one place where this is said. */
const rights = {
  /** Say something, edit and react. */
  speak: ['owner', 'moderator', 'member'],
  /** Delete what others said, and read what was said before an edit. */
  moderate: ['owner', 'moderator'],
  invite: ['owner', 'moderator', 'member'],
  kick: ['owner', 'moderator'],
  rename: ['owner', 'moderator'],
  /** Change what others may do: see `mayRuleOver`. */
  appoint: ['owner', 'moderator'],
  archive: ['owner'],
} as const satisfies Record<string, readonly Role[]>

export type Right = keyof typeof rights

const ranks: Record<Role, number> = { owner: 3, moderator: 2, member: 1, guest: 0 }

export function hasRight({ role }: { role: Role }, right: Right): boolean {
  return (rights[right] as readonly Role[]).includes(role)
}

/** Nobody rules over who is as much as they are, but owners, who are equals. */
export function mayRuleOver(ruler: Role, ruled: Role): boolean {
  return ruler === 'owner' || ranks[ruler] > ranks[ruled]
}
