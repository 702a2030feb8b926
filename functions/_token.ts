import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import * as v from 'valibot'
import { FunctionError } from '#runtime'
import { UserId } from '#schema/ids'
import { type Role, roles } from './_permissions.ts'

export interface TokenOptions {
  /** The issuer as tokens name it: `https://id.example/realms/nats-chat`. */
  issuer: string
  /** The clients whose tokens are taken: each token's `azp`, or one of its `aud`. */
  clientIds: readonly string[]
  /** The claim that is the user's id. */
  userClaim: string
}

/** Who a token says somebody is. */
export interface Identity {
  user: string
  roles: Role[]
  /** Seconds since the epoch. */
  expiresAt: number
}

export interface TokenCheck {
  /** Fetches the issuer's keys before the first person waits for them. Never rejects. */
  prefetch(): Promise<void>
  /** Throws `forbidden` with the reason, or `unavailable` when the keys cannot be had. */
  check(token: string): Promise<Identity>
}

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
/** No longer than a login may take, with time left to answer. */
const fetchTimeoutMs = 3_000
/** A new key is known this soon, and a flood of unknown ones costs the issuer no more than this. */
const cooldownMs = 2_000
const clockToleranceS = 5

/**
 * Checks access tokens of one OIDC issuer. Keys are cached; an unknown key id has them fetched again,
 * but not more often than every two seconds, whoever asks.
 */
export function createTokenCheck({ issuer, clientIds, userClaim }: TokenOptions): TokenCheck {
  const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`), {
    timeoutDuration: fetchTimeoutMs,
    cooldownDuration: cooldownMs,
    // Keys go stale by rotation, which an unknown key id tells; an issuer that is away must not.
    cacheMaxAge: Number.POSITIVE_INFINITY,
  })
  return {
    async prefetch() {
      await keys.reload().catch(() => undefined)
    },
    async check(token) {
      if (token === '') throw refused('there is no token: give it as CONNECT token or as password')
      const claims = await verify(token)
      checkClient(claims, clientIds)
      if (claims.typ === 'ID') throw refused('it is an ID token: use the access token')
      return {
        user: readUser(claims, userClaim),
        roles: readRoles(claims),
        expiresAt: claims.exp ?? 0,
      }
    },
  }

  async function verify(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        algorithms,
        clockTolerance: clockToleranceS,
        requiredClaims: ['exp', 'iat'],
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError))
        throw new FunctionError('unavailable', 'the keys of the identity provider cannot be had', {
          cause: error,
        })
      throw refused(`${error.message} (${error.code})`)
    }
  }
}

function checkClient({ azp, aud }: JWTPayload, clientIds: readonly string[]) {
  const named = [azp, ...(Array.isArray(aud) ? aud : [aud])].filter((it) => typeof it === 'string')
  if (!named.some((client) => clientIds.includes(client)))
    throw refused(`it is a token of another client: ${named.join(', ').slice(0, 100)}`)
}

function readUser(claims: JWTPayload, userClaim: string): string {
  const { success, output } = v.safeParse(UserId, claims[userClaim])
  if (success) return output
  throw refused(
    `its ${userClaim} ${JSON.stringify(claims[userClaim])?.slice(0, 80)} cannot be a user id: ` +
      'use a to z, 0 to 9, _ and -, up to 64',
  )
}

/** Roles that mean nothing here are left out: they grant nothing. */
function readRoles({ realm_access }: JWTPayload): Role[] {
  const held = Object(realm_access).roles
  return Array.isArray(held) ? roles.filter((role) => held.includes(role)) : []
}

function refused(reason: string) {
  return new FunctionError('forbidden', `token refused: ${reason}`)
}
