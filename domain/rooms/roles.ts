import { FunctionError } from '#runtime'
import { hasRight, type Right } from '#schema/roles'
import type { Member } from './member.ts'

export function requireRight(member: Pick<Member, 'role'>, right: Right): void {
  if (!hasRight(member, right))
    throw new FunctionError('forbidden', `As a ${member.role} of this room you may not ${right}`)
}
