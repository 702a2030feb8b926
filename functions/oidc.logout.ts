import * as v from 'valibot'
import { createLogoutCheck, type LogoutCheck } from '#domain/auth/logout-token'
import { oidcEnv } from '#domain/auth/oidc-env'
import { isUsed, markUsed, revokeSession } from '#domain/auth/revocation'
import { defineFunction, FunctionError } from '#runtime'
import { oidcLogout } from '#schema/messages/session'
import { REVOKED_TOKENS, USER_IDS } from '#schema/streams'

const Env = v.object(oidcEnv)
type Env = v.InferOutput<typeof Env>

export default defineFunction(
  oidcLogout,
  async ({ logout_token }, context) => {
    const { id, issuedAt, ...revoked } = await checkFor(context.env)
      .check(logout_token)
      .catch((error) => {
        // Logs the reason here, because the provider may log only the HTTP status.
        context.log.warn({ reason: String(error.message) }, 'logout refused')
        throw error
      })
    if (await isUsed(revoked.issuer, id, context))
      throw new FunctionError('invalid', 'logout token rejected: it was received before')
    await revokeSession(revoked, issuedAt, context)
    // The token is marked as used only now, so that the provider can send it again after a failure.
    await markUsed(revoked.issuer, id, context)
    return {}
  },
  { env: Env, resources: [REVOKED_TOKENS, USER_IDS], webhook: '/oidc/backchannel-logout' },
)

const checks = new WeakMap<Env, LogoutCheck>()

function checkFor(env: Env): LogoutCheck {
  const existing = checks.get(env)
  if (existing) return existing
  const check = createLogoutCheck({
    issuer: env.OIDC_ISSUER,
    internalUrl: env.OIDC_INTERNAL_URL || env.OIDC_ISSUER,
    clientIds: env.OIDC_CLIENT_IDS,
  })
  checks.set(env, check)
  return check
}
