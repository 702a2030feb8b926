import * as v from 'valibot'
import type { Contract } from '#runtime'
import { UserId } from '../ids.ts'

const input = v.strictObject({ userId: UserId })
const output = v.object({})

/**
 * `user.block`: blocks a user. Neither user can send messages in their direct room, and invitations
 * by the blocked user are dropped. Idempotent.
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
