import type { AccountClaims, Client, ResourceServer } from 'oidc-provider'
import type { User } from './users.ts'

/** The scopes there are. A token has those of them that were asked for. */
export const scopes = 'openid profile email'

/** Every access token is for the one audience that Keycloak puts into its own by default. */
export const tokenAudience = 'account'

/** The name oidc-provider knows that audience by; it has to be a URI, and nobody outside sees it. */
export const resource = 'urn:natter:account'

export function resourceServer(accessTokenTtl: number): ResourceServer {
  return {
    audience: tokenAudience,
    scope: scopes,
    accessTokenFormat: 'jwt',
    accessTokenTTL: accessTokenTtl,
    jwt: { sign: { alg: 'RS256' } },
  }
}

const profileClaims = ['preferred_username', 'name', 'given_name', 'family_name']
const emailClaims = ['email', 'email_verified']

/**
 * Which claims of a user a scope opens in an ID token. Keycloak gives every client the scopes profile
 * and email unless told otherwise, so openid opens theirs too.
 */
export const claimsByScope = {
  openid: ['sub', 'typ', 'azp', 'sid', ...profileClaims, ...emailClaims],
  profile: profileClaims,
  email: emailClaims,
}

/** What Keycloak's access tokens carry besides iss, aud, iat, exp, jti and scope. */
export function accessTokenClaims(user: User, { clientId }: Client, sid: string) {
  return {
    sub: user.sub,
    typ: 'Bearer',
    azp: clientId,
    sid,
    realm_access: { roles: user.roles },
    ...profile(user),
  }
}

/** What an ID token may carry, to be narrowed by `claimsByScope`. */
export function idTokenClaims(user: User, { clientId }: Client, sid?: string): AccountClaims {
  return { sub: user.sub, typ: 'ID', azp: clientId, sid, ...profile(user) }
}

/** What userinfo says. */
export function userinfoClaims(user: User) {
  return { sub: user.sub, ...profile(user) }
}

function profile({ username, givenName, familyName, email }: User) {
  return {
    preferred_username: username,
    name: `${givenName} ${familyName}`.trim(),
    given_name: givenName,
    family_name: familyName,
    ...(email === undefined ? {} : { email, email_verified: true }),
  }
}
