/** Keycloak's path of the realm. The issuer URL is the server's origin followed by this path. */
export const realmPath = '/realms/nats-chat'

/** Keycloak's path of the OpenID endpoints. This and the following paths are relative to the realm. */
const base = '/protocol/openid-connect'

export const endpoints = {
  authorization: `${base}/auth`,
  token: `${base}/token`,
  jwks: `${base}/certs`,
  end_session: `${base}/logout`,
}
export const userinfoPath = `${base}/userinfo`

/** The path of a sign-in page is this path, followed by the id of the sign-in. */
export const signInPath = '/login'

export const assetsPath = '/assets'
