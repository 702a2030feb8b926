import * as v from 'valibot'
import { createTokenCheck, type TokenCheck } from '#domain/auth/access-token'
import { ConnectionTtl, connectionExpiry } from '#domain/auth/connection-ttl'
import { oidcEnv } from '#domain/auth/oidc-env'
import { permissionsFor } from '#domain/auth/permissions'
import { isRevoked, sessionLabel } from '#domain/auth/revocation'
import { findUserId } from '#domain/auth/user-id'
import { isDeactivatedUser } from '#domain/users/deactivation'
import { callout, defineFunction, FunctionError } from '#runtime'
import { identityToken } from '#schema/identity'
import { userSeen } from '#schema/messages/user'
import { DEACTIVATED_USERS, REVOKED_TOKENS, USER_IDS } from '#schema/streams'

const Env = v.object({
  ...oidcEnv,
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
    const { issuer, subject, session, issuedAt, ...identified } = await checkFor(context.env).check(
      token,
    )
    const { userName, handle, name, roles } = identified
    const [identity, label] = await Promise.all([
      identityToken({ issuer, subject }),
      session === undefined ? undefined : sessionLabel(issuer, session),
    ])
    const user = await findUserId({ issuer, subject, token: identity }, userName, context)
    const [isDeactivated, isTokenRevoked] = await Promise.all([
      isDeactivatedUser(user, context),
      isRevoked(identity, label, issuedAt, context),
    ])
    if (isDeactivated) throw new FunctionError('forbidden', `User ${user} is deactivated`)
    if (isTokenRevoked)
      throw new FunctionError('forbidden', 'token rejected: its session has ended; log in again')
    context.publish(userSeen, { userId: user, name, handle, issuer, subject })
    const permissions = permissionsFor(user, identity, roles)
    return {
      user,
      aliases: [identity],
      account: 'CLIENTS',
      roles,
      ...permissions,
      expiresAt: connectionExpiry(context.env.CONNECTION_TTL),
      label,
    }
  },
  {
    env: Env,
    queue: 'auth-workers',
    resources: [USER_IDS, DEACTIVATED_USERS, REVOKED_TOKENS],
    // After an outage, all clients reconnect at once. A shorter queue would not reduce the load,
    // because rejected clients log in again.
    maxQueued: 10_000,
    async beforeServe({ env, log }) {
      // If the identity provider is unavailable, the first login fetches the keys.
      await checkFor(env)
        .prefetch()
        .catch(({ message }: Error) =>
          log.warn(
            { reason: message },
            'identity provider unavailable, logins fail until it is back',
          ),
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
