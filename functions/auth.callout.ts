import * as v from 'valibot'
import { createTokenCheck, type TokenCheck } from '#domain/auth/access-token'
import { permissionsFor } from '#domain/auth/permissions'
import { callout, defineFunction } from '#runtime'
import { userSeen } from '#schema/messages/user'

const Env = v.object({
  OIDC_ISSUER: v.pipe(
    v.string('OIDC_ISSUER is missing: the issuer as tokens name it'),
    v.regex(/^https?:\/\/[^/]/, 'OIDC_ISSUER must be a URL that begins with http:// or https://'),
    v.url('OIDC_ISSUER is no URL'),
  ),
  OIDC_CLIENT_IDS: v.pipe(
    v.optional(v.string(), 'nats-chat-app,natter-cli'),
    v.transform((list) =>
      list
        .split(',')
        .map((id) => id.trim())
        .filter(Boolean),
    ),
    v.minLength(1, 'OIDC_CLIENT_IDS names no client'),
  ),
  OIDC_USER_CLAIM: v.optional(
    v.picklist(['preferred_username', 'sub'], 'OIDC_USER_CLAIM must be preferred_username or sub'),
    'preferred_username',
  ),
})
type Env = v.InferOutput<typeof Env>

/**
 * Lets people in who bring an access token of the identity provider, as CONNECT token or as
 * password: who they are, what they may do, and until when, all come from it.
 */
export default defineFunction(
  callout(),
  async ({ token }, { env, functions, publish }) => {
    const { user, roles, name, expiresAt } = await checkFor(env).check(token)
    publish(userSeen, { userId: user, name })
    return { user, account: 'CLIENTS', ...permissionsFor(user, roles, functions), expiresAt }
  },
  {
    env: Env,
    queue: 'auth-workers',
    // After an outage everybody comes back at once, and who is turned away comes back again.
    maxQueued: 10_000,
    async beforeServe({ env, log }) {
      // Nobody has to wait for the identity provider: the first login asks it again.
      await checkFor(env)
        .prefetch()
        .catch((error) => log.warn({ err: error }, 'nobody can log in yet'))
    },
  },
)

/** Made once for each environment, since it keeps the keys. */
const checks = new WeakMap<Env, TokenCheck>()

function checkFor(env: Env): TokenCheck {
  const known = checks.get(env)
  if (known) return known
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_IDS: clientIds, OIDC_USER_CLAIM: userClaim } = env
  const check = createTokenCheck({ issuer, clientIds, userClaim })
  checks.set(env, check)
  return check
}
