import * as v from 'valibot'
import type { Contract } from '#runtime'
import { UserId } from '../ids.ts'

const input = v.strictObject({ userId: UserId })
const output = v.object({})

/**
 * `user.block`: blocks a user for the caller. Neither of the two can then send messages in their
 * direct room. The caller receives no invitations from the blocked user, and pending ones are
 * deleted. Idempotent.
 */
export const userBlock = {
  subject: 'user.block',
  input,
  output,
  audience: ['everyone'],
  description: 'Blocks a user',
  errors: ['forbidden'],
} as const satisfies Contract

export const userUnblock = {
  subject: 'user.unblock',
  input,
  output,
  audience: ['everyone'],
  description: 'Unblocks a user',
} as const satisfies Contract
