import type { AccountClaims, Client, ResourceServer } from 'oidc-provider'
import type { User } from './users.ts'

/** The supported scopes. Other requested scopes are ignored. */
export const scopes = 'openid profile email'

export const tokenAudience = 'account'

/** Stands for the audience `account` in the configuration of oidc-provider, which accepts only URIs. */
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
 * The claims that each scope adds to an ID token. The scope `openid` includes the claims of
 * `profile` and `email`, because Keycloak gives these two scopes to every client by default.
 */
export const claimsByScope = {
  openid: ['sub', 'typ', 'azp', 'sid', ...profileClaims, ...emailClaims],
  profile: profileClaims,
  email: emailClaims,
}

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

/** Returns all possible claims of an ID token. oidc-provider filters them by `claimsByScope`. */
export function idTokenClaims(user: User, { clientId }: Client, sid?: string): AccountClaims {
  return { sub: user.sub, typ: 'ID', azp: clientId, sid, ...profile(user) }
}

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
