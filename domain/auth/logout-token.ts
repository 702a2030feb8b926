import { errors, type JWTPayload, jwtVerify } from 'jose'
import { FunctionError } from '#runtime'
import type { Identity } from '#schema/identity'
import { algorithms, clockToleranceS, describeTokenError, showClaim } from './access-token.ts'
import { createIssuerKeys } from './jwks.ts'

export interface LogoutOptions {
  issuer: string
  internalUrl: string
  /** The `aud` of a logout token must contain one of these ids. */
  clientIds: readonly string[]
}

/** A valid logout token. */
export interface Logout extends Identity {
  /** The session that has ended; undefined for all sessions of the user. */
  session: string | undefined
  /** Time of issue by the identity provider's clock, in seconds since the epoch. */
  issuedAt: number
  /** `jti`, which is unique for each logout token. */
  id: string
}

export interface LogoutCheck {
  /** Throws `invalid` for an invalid token, and `unavailable` if the issuer's keys cannot be fetched. */
  check(token: string): Promise<Logout>
}

const eventName = 'http://schemas.openid.net/event/backchannel-logout'
/** Older tokens are rejected, so the id of a used token need not be stored for longer than this. */
const maxAgeS = 10 * 60

/** Checks logout tokens by section 2.6 of OpenID Connect Back-Channel Logout 1.0. */
export function createLogoutCheck({ issuer, internalUrl, clientIds }: LogoutOptions): LogoutCheck {
  const keys = createIssuerKeys(issuer, internalUrl)
  return {
    async check(token) {
      const { payload, protectedHeader } = await verify(token)
      checkType(protectedHeader.typ)
      checkEvent(payload)
      return { issuer, ...readSession(payload) }
    },
  }

  async function verify(token: string) {
    try {
      return await jwtVerify(token, keys.find, {
        issuer,
        audience: [...clientIds],
        algorithms,
        clockTolerance: clockToleranceS,
        maxTokenAge: maxAgeS,
        requiredClaims: ['iat', 'jti'],
      })
    } catch (error) {
      if (error instanceof errors.JOSEError) throw rejectToken(describeTokenError(error))
      throw error
    }
  }
}

/**
 * Rejects tokens of other types, such as access tokens. If the type is absent or only `jwt`,
 * `checkEvent` recognizes logout tokens by their claims.
 */
function checkType(type: string | undefined) {
  if (type === undefined || /^(application\/)?(logout\+)?jwt$/i.test(type)) return
  throw rejectToken(`its header has another typ: ${showClaim(type)}`)
}

function checkEvent({ events, nonce }: JWTPayload) {
  const event = Object.hasOwn(Object(events), eventName)
    ? (events as Record<string, unknown>)[eventName]
    : undefined
  if (typeof event !== 'object' || event === null || Array.isArray(event))
    throw rejectToken(`its events claim has no ${eventName}: ${showClaim(events)}`)
  if (nonce !== undefined) throw rejectToken('it has a nonce, so it may be an ID token')
}

function readSession({ sub, sid, jti, iat = 0 }: JWTPayload) {
  if (typeof sub !== 'string' || sub === '')
    throw rejectToken(
      `its sub is ${showClaim(sub)}: the issuer must name the user in logout tokens`,
    )
  if (sid !== undefined && (typeof sid !== 'string' || sid === ''))
    throw rejectToken(`its sid is ${showClaim(sid)}`)
  if (typeof jti !== 'string' || jti === '') throw rejectToken(`its jti is ${showClaim(jti)}`)
  return { subject: sub, session: sid, id: jti, issuedAt: iat }
}

function rejectToken(reason: string) {
  return new FunctionError('invalid', `logout token rejected: ${reason.replaceAll(/[^ -~]/g, '?')}`)
}
