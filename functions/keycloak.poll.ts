import * as v from 'valibot'
import { applyAdminEvents, parseRealm } from '#domain/auth/keycloak-events'
import { oidcEnv } from '#domain/auth/oidc-env'
import { defineFunction, schedule } from '#runtime'
import { REVOKED_TOKENS, USER_IDS } from '#schema/streams'

const Env = v.pipe(
  v.object({
    ...oidcEnv,
    KEYCLOAK_EVENTS_CLIENT: v.optional(v.string(), 'natter-events'),
    KEYCLOAK_EVENTS_SECRET: v.optional(v.string(), ''),
  }),
  v.check(
    ({ OIDC_ISSUER, OIDC_INTERNAL_URL, KEYCLOAK_EVENTS_SECRET }) =>
      KEYCLOAK_EVENTS_SECRET === '' || parseRealm(OIDC_INTERNAL_URL || OIDC_ISSUER) !== undefined,
    'KEYCLOAK_EVENTS_SECRET needs a realm of Keycloak: OIDC_ISSUER and OIDC_INTERNAL_URL must end in /realms/NAME',
  ),
)

/**
 * Finds users who were disabled or deleted in Keycloak, or who lost a role or a group there.
 * Revokes their tokens and closes their connections. Does nothing without KEYCLOAK_EVENTS_SECRET.
 */
export default defineFunction(
  schedule({ everyMs: 10_000 }),
  async (_tick, context) => {
    const { env } = context
    if (env.KEYCLOAK_EVENTS_SECRET === '') return
    const options = {
      issuer: env.OIDC_ISSUER,
      internalUrl: env.OIDC_INTERNAL_URL || env.OIDC_ISSUER,
      clientId: env.KEYCLOAK_EVENTS_CLIENT || 'natter-events',
      secret: env.KEYCLOAK_EVENTS_SECRET,
    }
    await applyAdminEvents(options, context)
  },
  { env: Env, resources: [REVOKED_TOKENS, USER_IDS] },
)
