import { FunctionError } from '#runtime'
import type { Role } from '#schema/messages/room'
import type { Member } from './_member.ts'

/** Who may do what in a room. The one place where this is said. */
const rights = {
  /** Say something, edit and react. */
  speak: ['owner', 'moderator', 'member'],
  /** Delete what others said, and read what was said before an edit. */
  moderate: ['owner', 'moderator'],
  invite: ['owner', 'moderator', 'member'],
  kick: ['owner', 'moderator'],
  rename: ['owner', 'moderator'],
  /** Change what others may do: see `mayChange`. */
  appoint: ['owner', 'moderator'],
  archive: ['owner'],
} as const satisfies Record<string, readonly Role[]>

export type Right = keyof typeof rights

const ranks: Record<Role, number> = { owner: 3, moderator: 2, member: 1, guest: 0 }

export function hasRight({ role }: Pick<Member, 'role'>, right: Right): boolean {
  return (rights[right] as readonly Role[]).includes(role)
}

/** Throws `forbidden` with what is missing. */
export function requireRight(member: Pick<Member, 'role'>, right: Right): void {
  if (!hasRight(member, right))
    throw new FunctionError('forbidden', `As a ${member.role} of this room you may not ${right}`)
}

/** Nobody rules over who is as much as they are, but owners, who are equals. */
export function mayRuleOver(ruler: Role, ruled: Role): boolean {
  return ruler === 'owner' || ranks[ruler] > ranks[ruled]
}
