import * as v from 'valibot'
import type { Contract } from '#runtime'
import { UserId } from '../ids.ts'

const input = v.strictObject({ userId: UserId })
const output = v.object({})

/**
 * `admin.deactivate`: rejects all later logins of a user, and closes the user's connections. The user
 * remains a member of their rooms, but can no longer be found or invited. Idempotent.
 */
export const adminDeactivate = {
  subject: 'admin.deactivate',
  input,
  output,
  audience: ['admin'],
  description: 'Deactivates a user',
  errors: ['forbidden'],
} as const satisfies Contract

export const adminReactivate = {
  subject: 'admin.reactivate',
  input,
  output,
  audience: ['admin'],
  description: 'Reactivates a user',
  errors: ['forbidden'],
} as const satisfies Contract
