/**
 * The path of a realm `nats-chat` in Keycloak. The issuer URL is the server's origin and this path.
 */
export const realmPath = '/realms/nats-chat'

/**
 * The path of OpenID endpoints in Keycloak. This path and those below are relative to `realmPath`.
 */
const base = '/protocol/openid-connect'

export const endpoints = {
  authorization: `${base}/auth`,
  token: `${base}/token`,
  jwks: `${base}/certs`,
  end_session: `${base}/logout`,
}
export const userinfoPath = `${base}/userinfo`

export const signInPath = '/login'

export const assetsPath = '/assets'
