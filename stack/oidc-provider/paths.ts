/** Keycloak's path of the realm; the issuer is this on the server's origin. */
export const realmPath = '/realms/nats-chat'

/** Where Keycloak has its endpoints, below the realm as everything that follows. */
const base = '/protocol/openid-connect'

export const endpoints = {
  authorization: `${base}/auth`,
  token: `${base}/token`,
  jwks: `${base}/certs`,
  end_session: `${base}/logout`,
}
export const userinfoPath = `${base}/userinfo`

/** A sign-in under way is at this path followed by its id. */
export const signInPath = '/login'

export const assetsPath = '/assets'
