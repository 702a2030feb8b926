import { errors, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose'
import { FunctionError } from '#runtime'
import type { Identity } from '#schema/identity'
import { createIssuerKeys } from './jwks.ts'
import { type RealmRole, realmRoles } from './permissions.ts'

export interface TokenOptions {
  /**
   * URL of the issuer, exactly as in the claim `iss` of its tokens:
   * `https://id.example/realms/nats-chat`.
   */
  issuer: string
  /**
   * URL at which this process reaches the issuer, if it cannot use `issuer`. Even then, the claim
   * `iss` of tokens contains `issuer`.
   */
  internalUrl?: string
  /** A token is accepted if its `azp` or `aud` contains one of these ids. */
  clientIds: readonly string[]
  userClaim: string
}

export interface TokenIdentity extends Identity {
  userName: string
  /** The user name at the identity provider: `preferred_username`, else `sub`. */
  handle: string
  roles: RealmRole[]
  name: string | undefined
  /** Id of the session at the identity provider, from the claim `sid`. */
  session: string | undefined
  /** Time of issue by the identity provider's clock, in seconds since the epoch. */
  issuedAt: number
}

export interface TokenCheck {
  prefetch(): Promise<void>
  /**
   * Throws `forbidden` for an invalid token, and `unavailable` if the issuer's keys cannot be
   * fetched.
   */
  check(token: string): Promise<TokenIdentity>
}

/**
 * Accepted signature algorithms. HS256 is not accepted: an attacker could use the public key as the
 * secret of HS256, and sign tokens with it.
 */
export const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
]
export const clockToleranceS = 5
/**
 * An access token must not live longer than the entry that revokes it in the bucket REVOKED_TOKENS.
 * The entry expires after 25 hours (docs/decisions/005-access-token-lifetime.md).
 */
const maxLifetimeS = 24 * 3_600

export function createTokenCheck(options: TokenOptions): TokenCheck {
  const { issuer, internalUrl = issuer, clientIds, userClaim } = options
  const keys = createIssuerKeys(issuer, internalUrl)
  return {
    prefetch: keys.refresh,
    async check(token) {
      if (token === '') throw rejectToken('it is missing: pass it as the CONNECT token or password')
      const verified = await verify(token)
      const claims = verified.payload
      checkType(verified)
      checkTimes(claims)
      checkClient(claims, clientIds)
      return {
        issuer,
        ...readUser(claims, userClaim),
        roles: readRoles(claims),
        name: readName(claims),
        session: typeof claims.sid === 'string' ? claims.sid : undefined,
        issuedAt: claims.iat ?? 0,
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
      if (error instanceof errors.JOSEError) throw rejectToken(describeTokenError(error))
      throw error
    }
  }
}

export function describeTokenError(error: errors.JOSEError): string {
  const isAboutClaim =
    error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired
  return isAboutClaim ? `${error.message}: ${showClaim(error.payload[error.claim])}` : error.message
}

/**
 * Keycloak writes the token type to the claim `typ`; RFC 9068 requires it in the header field
 * `typ`.
 */
function checkType({ payload, protectedHeader }: JWTVerifyResult) {
  const { typ } = payload
  if (typ === 'Bearer') return
  if (typ === undefined && /^(application\/)?at\+jwt$/i.test(protectedHeader.typ ?? '')) return
  throw rejectToken(`it is no access token: its typ is ${showClaim(typ ?? protectedHeader.typ)}`)
}

/** Allows no clock tolerance for `exp`: a connection may outlive its token anyway, by up to CONNECTION_TTL. */
function checkTimes({ iat = 0, exp = 0 }: JWTPayload) {
  const now = Date.now() / 1_000
  if (exp <= now) throw rejectToken(`it has expired: its exp is ${showClaim(exp)}`)
  if (iat > now + clockToleranceS)
    throw rejectToken(`it was issued in the future: its iat is ${showClaim(iat)}`)
  if (exp - iat > maxLifetimeS)
    throw rejectToken(
      `it lasts too long: from its iat ${showClaim(iat)} to its exp ${showClaim(exp)} is more than 24 h; ` +
        'shorten the lifetime of access tokens in the issuer',
    )
}

function checkClient({ azp, aud }: JWTPayload, clientIds: readonly string[]) {
  const clients = [azp, ...(Array.isArray(aud) ? aud : [aud])]
  if (!clients.some((client) => typeof client === 'string' && clientIds.includes(client)))
    throw rejectToken(
      `it is for another client: its azp is ${showClaim(azp)}, its aud ${showClaim(aud)}`,
    )
}

/** Maximum length of a user name in UTF-16 code units. It equals the maximum in Keycloak. */
const maxUserNameLength = 255

function readUser(claims: JWTPayload, userClaim: string) {
  const { sub, preferred_username } = claims
  if (!isUserName(sub))
    throw rejectToken(`its sub identifies no user: ${showClaim(sub)}; map the claim in the issuer`)
  const handle = preferred_username ?? sub
  if (!isUserName(handle))
    throw rejectToken(
      `its preferred_username is no user name: ${showClaim(handle)}; use 1 to ${maxUserNameLength} ` +
        'characters, without control characters',
    )
  return { subject: sub, handle, userName: userClaim === 'sub' ? sub : handle }
}

function isUserName(claim: unknown): claim is string {
  return (
    typeof claim === 'string' &&
    claim.length <= maxUserNameLength &&
    claim.trim() !== '' &&
    !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(claim)
  )
}

function readRoles({ realm_access }: JWTPayload): RealmRole[] {
  const claimed = Object(realm_access).roles
  return Array.isArray(claimed) ? realmRoles.filter((role) => claimed.includes(role)) : []
}

function readName({ name, given_name, family_name }: JWTPayload): string | undefined {
  if (typeof name === 'string' && name.trim() !== '') return name
  const parts = [given_name, family_name].filter((part) => typeof part === 'string')
  return parts.join(' ') || undefined
}

export function showClaim(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 80)
}

/**
 * `reason` may contain claims and is logged. Only printable ASCII characters are kept, so that a
 * claim cannot start a new log line.
 */
function rejectToken(reason: string) {
  return new FunctionError('forbidden', `token rejected: ${reason.replaceAll(/[^ -~]/g, '?')}`)
}
