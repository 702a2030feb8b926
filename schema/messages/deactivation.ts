import * as v from 'valibot'
import type { Contract } from '#runtime'
import { UserId } from '../ids.ts'

const input = v.strictObject({ userId: UserId })
const output = v.object({})

/**
 * `admin.deactivate`: deactivates a user. All later logins of the user are rejected, and the user's
 * connections are closed. The user remains a member of their rooms, but can no longer be found or
 * invited. Idempotent.
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
