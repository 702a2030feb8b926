import { errors, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose'
import * as v from 'valibot'
import { FunctionError } from '#runtime'
import { UserId } from '#schema/ids'
import { createIssuerKeys } from './jwks.ts'
import { type Role, roles } from './permissions.ts'

export interface TokenOptions {
  /** The issuer, letter for letter as tokens name it: `https://id.example/realms/nats-chat`. */
  issuer: string
  /** The clients whose tokens are taken: each token's `azp`, or one of its `aud`. */
  clientIds: readonly string[]
  /** The claim that is the user's id. */
  userClaim: string
}

/** Who a token says somebody is. */
export interface TokenIdentity {
  user: UserId
  roles: Role[]
  /** What they are called, where the issuer says so. */
  name: string | undefined
  /** Seconds since the epoch, whole. */
  expiresAt: number
}

export interface TokenCheck {
  /** Fetches the issuer's keys before the first person waits for them. Throws `unavailable`. */
  prefetch(): Promise<void>
  /**
   * Throws `forbidden` with what is wrong and the value that is, `unavailable` when there are no keys
   * to check with. Never says more of the token than that.
   */
  check(token: string): Promise<TokenIdentity>
}

/** None that the public half could sign for, and no `none`. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
/** How far the issuer's clock may be ahead of ours. */
const clockToleranceS = 5
/** From its beginning to its end, whatever is left of it: docs/decisions/005-a-token-lasts-a-day.md. */
const maxLifetimeS = 24 * 3_600

/**
 * Checks access tokens of one OIDC issuer. Whom the issuer has shut out gets in until the token that
 * they have ends, which is why it may not last longer than a day, and should end much sooner.
 */
export function createTokenCheck({ issuer, clientIds, userClaim }: TokenOptions): TokenCheck {
  const keys = createIssuerKeys(issuer)
  return {
    prefetch: keys.refresh,
    async check(token) {
      if (token === '') throw rejectToken('there is none: give it as CONNECT token or as password')
      const verified = await verify(token)
      const claims = verified.payload
      checkKind(verified)
      checkTimes(claims)
      checkClient(claims, clientIds)
      return {
        user: readUser(claims, userClaim),
        roles: readRoles(claims),
        name: readName(claims),
        expiresAt: Math.floor(claims.exp ?? 0),
      }
    },
  }

  async function verify(token: string) {
    try {
      return await jwtVerify(token, keys.find, {
        issuer,
        algorithms,
        clockTolerance: clockToleranceS,
        requiredClaims: ['exp', 'iat'],
      })
    } catch (error) {
      if (error instanceof errors.JOSEError) throw rejectToken(describe(error))
      throw error
    }
  }
}

function describe(error: errors.JOSEError): string {
  const isAboutClaim =
    error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired
  return isAboutClaim ? `${error.message}: ${show(error.payload[error.claim])}` : error.message
}

/** Keycloak's claims say what kind of token it is; others say it in the header, as RFC 9068 has it. */
function checkKind({ payload, protectedHeader }: JWTVerifyResult) {
  const { typ } = payload
  if (typ === 'Bearer') return
  if (typ === undefined && /^(application\/)?at\+jwt$/i.test(protectedHeader.typ ?? '')) return
  throw rejectToken(`it is no access token: its typ is ${show(typ ?? protectedHeader.typ)}`)
}

/** No tolerance at the end: the server cuts off at that second whom we would still let in. */
function checkTimes({ iat = 0, exp = 0 }: JWTPayload) {
  const now = Date.now() / 1_000
  if (exp <= now) throw rejectToken(`it has expired: its exp is ${show(exp)}`)
  if (iat > now + clockToleranceS) throw rejectToken(`it is of the future: its iat is ${show(iat)}`)
  if (exp - iat > maxLifetimeS)
    throw rejectToken(
      `it lasts too long: from its iat ${show(iat)} to its exp ${show(exp)} is more than 24 h; have ` +
        'the issuer give access tokens a shorter life',
    )
}

function checkClient({ azp, aud }: JWTPayload, clientIds: readonly string[]) {
  const named = [azp, ...(Array.isArray(aud) ? aud : [aud])]
  if (!named.some((client) => typeof client === 'string' && clientIds.includes(client)))
    throw rejectToken(`it is for another client: its azp is ${show(azp)}, its aud ${show(aud)}`)
}

function readUser(claims: JWTPayload, userClaim: string): UserId {
  const { success, output } = v.safeParse(UserId, claims[userClaim])
  if (success) return output
  throw rejectToken(
    `its ${userClaim} cannot be a user id: ${show(claims[userClaim])}; use a to z, 0 to 9, _ and -, ` +
      'up to 64',
  )
}

/** Roles that mean nothing here are left out: they grant nothing. */
function readRoles({ realm_access }: JWTPayload): Role[] {
  const held = Object(realm_access).roles
  return Array.isArray(held) ? roles.filter((role) => held.includes(role)) : []
}

function readName({ name, given_name, family_name }: JWTPayload): string | undefined {
  if (typeof name === 'string' && name.trim() !== '') return name
  const parts = [given_name, family_name].filter((part) => typeof part === 'string')
  return parts.join(' ') || undefined
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 80)
}

/** The reason stands in logs, where whoever wrote the token must not begin a line of their own. */
function rejectToken(reason: string) {
  return new FunctionError('forbidden', `token refused: ${reason.replaceAll(/[^ -~]/g, '?')}`)
}
