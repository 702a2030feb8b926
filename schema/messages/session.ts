import * as v from 'valibot'
import type { Contract } from '#runtime'

/**
 * `oidc.logout`: OpenID Connect back-channel logout, which the identity provider calls when a
 * session of a user has ended. Closes the user's connections, and rejects later logins with the
 * tokens of that session. Returns `invalid`, with the reason, if the logout token is not valid or
 * was received before.
 */
export const oidcLogout = {
  subject: 'oidc.logout',
  input: v.object({ logout_token: v.pipe(v.string(), v.maxLength(16_384)) }),
  output: v.object({}),
  audience: ['functions'],
  description: 'Ends a session that the identity provider has logged out',
} as const satisfies Contract
