/** Keycloak's path of the realm. The issuer URL is the server's origin followed by this path. */
export const realmPath = '/realms/nats-chat'

/** Keycloak's path of the OpenID endpoints. All paths from here on are relative to `realmPath`. */
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
