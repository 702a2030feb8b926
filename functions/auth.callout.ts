import * as v from 'valibot'
import { createTokenCheck, type TokenCheck } from '#domain/auth/access-token'
import { ConnectionTtl, connectionExpiry } from '#domain/auth/connection-ttl'
import { permissionsFor } from '#domain/auth/permissions'
import { findUserId } from '#domain/auth/user-id'
import { isDeactivatedUser } from '#domain/users/deactivation'
import { callout, defineFunction, FunctionError } from '#runtime'
import { identityToken } from '#schema/identity'
import { userSeen } from '#schema/messages/user'
import { DEACTIVATED_USERS, USER_IDS } from '#schema/streams'

const Env = v.object({
  OIDC_ISSUER: v.pipe(
    v.string(
      'OIDC_ISSUER is missing: set it to a token issuer, such as https://id.example/realms/chat',
    ),
    v.regex(/^https?:\/\/[^/]/, 'OIDC_ISSUER must be a URL that begins with http:// or https://'),
    v.url('OIDC_ISSUER is not a valid URL'),
  ),
  OIDC_INTERNAL_URL: v.pipe(
    v.optional(v.string(), ''),
    v.check(
      (url) => url === '' || (/^https?:\/\/[^/]/.test(url) && URL.canParse(url)),
      'OIDC_INTERNAL_URL must be a URL, such as http://keycloak:8080/realms/nats-chat',
    ),
  ),
  OIDC_CLIENT_IDS: v.pipe(
    v.optional(v.string(), 'nats-chat-app'),
    v.transform((list) =>
      list
        .split(',')
        .map((id) => id.trim())
        .filter(Boolean),
    ),
    v.minLength(1, 'OIDC_CLIENT_IDS is empty: list client ids, separated by commas'),
  ),
  OIDC_USER_CLAIM: v.optional(
    v.picklist(['preferred_username', 'sub'], 'OIDC_USER_CLAIM must be preferred_username or sub'),
    'preferred_username',
  ),
  CONNECTION_TTL: ConnectionTtl,
})
type Env = v.InferOutput<typeof Env>

/**
 * Authenticates a NATS connection by an access token of the identity provider, which the client
 * passes as the CONNECT token or password. The connection outlives the token
 * (docs/decisions/060-connections-outlive-tokens.md).
 */
export default defineFunction(
  callout(),
  async ({ token }, context) => {
    const { issuer, subject, userName, handle, name, roles } = await checkFor(context.env).check(
      token,
    )
    const user = await findUserId({ issuer, subject }, userName, context)
    if (await isDeactivatedUser(user, context))
      throw new FunctionError('forbidden', `User ${user} is deactivated`)
    context.publish(userSeen, { userId: user, name, handle, issuer, subject })
    const identity = await identityToken({ issuer, subject })
    const permissions = permissionsFor(user, identity, roles)
    return {
      user,
      aliases: [identity],
      account: 'CLIENTS',
      roles,
      ...permissions,
      expiresAt: connectionExpiry(context.env.CONNECTION_TTL),
    }
  },
  {
    env: Env,
    queue: 'auth-workers',
    resources: [USER_IDS, DEACTIVATED_USERS],
    // After an outage, all clients reconnect at once. A shorter queue would not reduce the load,
    // because rejected clients log in again.
    maxQueued: 10_000,
    async beforeServe({ env, log }) {
      // If the identity provider is unavailable, the first login fetches the keys.
      await checkFor(env)
        .prefetch()
        .catch((error) =>
          log.warn({ err: error }, 'identity provider unavailable, logins fail until it is back'),
        )
    },
  },
)

const checks = new WeakMap<Env, TokenCheck>()

function checkFor(env: Env): TokenCheck {
  const existing = checks.get(env)
  if (existing) return existing
  const check = createTokenCheck({
    issuer: env.OIDC_ISSUER,
    internalUrl: env.OIDC_INTERNAL_URL || env.OIDC_ISSUER,
    clientIds: env.OIDC_CLIENT_IDS,
    userClaim: env.OIDC_USER_CLAIM,
  })
  checks.set(env, check)
  return check
}
