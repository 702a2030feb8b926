import {
  AuthorizationResponseError,
  type AuthorizationServer,
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  calculatePKCECodeChallenge,
  clockTolerance,
  discoveryRequest,
  generateRandomCodeVerifier,
  generateRandomState,
  None,
  processAuthorizationCodeResponse,
  processDiscoveryResponse,
  processRefreshTokenResponse,
  ResponseBodyError,
  refreshTokenGrantRequest,
  type TokenEndpointResponse,
  validateAuthResponse,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'

interface ProviderOptions {
  issuer: string
  clientId: string
  redirectUri: string
  logoutRedirectUri: string
}

/** A login in progress. It is stored until the provider redirects back to the page. */
interface Login {
  state: string
  verifier: string
  /** The path that the page shows after the login. */
  returnPath: string
}

const loginKey = 'natter-login'
const requestTimeoutMs = 10_000
/**
 * The clock of the device may be wrong. So the page does not reject tokens that seem to be expired:
 * Natter's server checks them.
 */
const toleranceS = 100 * 365 * 86_400

/** There is no login in progress, or the response belongs to another login. */
class StateError extends Error {}

/** Creates a client of the OpenID provider: authorization code flow with PKCE, without a secret. */
export function createProvider({
  issuer,
  clientId,
  redirectUri,
  logoutRedirectUri,
}: ProviderOptions) {
  const client = { client_id: clientId, [clockTolerance]: toleranceS }
  const isInsecure = issuer.startsWith('http:')
  const options = () => ({
    [allowInsecureRequests]: isInsecure,
    signal: AbortSignal.timeout(requestTimeoutMs),
  })
  let discovery: Promise<AuthorizationServer> | undefined

  function discover(): Promise<AuthorizationServer> {
    discovery ??= (async () => {
      const url = new URL(issuer)
      return processDiscoveryResponse(url, await discoveryRequest(url, options()))
    })()
    discovery.catch(() => {
      discovery = undefined
    })
    return discovery
  }

  return {
    /** Starts a login, and returns the URL of the provider to which the page must redirect. */
    async createLoginUrl(
      returnPath: string,
      { prompt }: { prompt?: 'none' } = {},
    ): Promise<string> {
      const { authorization_endpoint } = await discover()
      const login = {
        state: generateRandomState(),
        verifier: generateRandomCodeVerifier(),
        returnPath,
      }
      sessionStorage.setItem(loginKey, JSON.stringify(login satisfies Login))
      return createUrl(authorization_endpoint, {
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: 'openid profile',
        state: login.state,
        code_challenge: await calculatePKCECodeChallenge(login.verifier),
        code_challenge_method: 'S256',
        prompt,
      })
    },

    /**
     * Returns the login in progress, and removes it from the storage: it can be finished only once.
     * Returns undefined if the tab started no login.
     */
    takeLogin(): Login | undefined {
      try {
        const stored = sessionStorage.getItem(loginKey)
        sessionStorage.removeItem(loginKey)
        return JSON.parse(stored ?? 'null') ?? undefined
      } catch {
        return undefined
      }
    },

    /** Exchanges the code in the URL of the callback for tokens. */
    async finishLogin(login: Login | undefined, url: string): Promise<TokenEndpointResponse> {
      const { searchParams } = new URL(url)
      if (login?.state !== searchParams.get('state')) throw new StateError('No such login')
      const server = await discover()
      const parameters = validateAuthResponse(server, client, searchParams, login.state)
      const { verifier } = login
      const response = await authorizationCodeGrantRequest(
        server,
        client,
        None(),
        parameters,
        redirectUri,
        verifier,
        options(),
      )
      return processAuthorizationCodeResponse(server, client, response)
    },

    async refresh(refreshToken: string): Promise<TokenEndpointResponse> {
      const server = await discover()
      const response = await refreshTokenGrantRequest(
        server,
        client,
        None(),
        refreshToken,
        options(),
      )
      return processRefreshTokenResponse(server, client, response)
    },

    /** Returns the URL at which the provider ends the session, and then redirects to the page. */
    async createLogoutUrl(idToken: string | undefined): Promise<string> {
      const { end_session_endpoint } = await discover()
      return createUrl(end_session_endpoint, {
        client_id: clientId,
        id_token_hint: idToken,
        post_logout_redirect_uri: logoutRedirectUri,
      })
    },
  }
}

/** Returns whether the provider has refused a login or a renewal, or the login is unknown. */
export function isRefusal(error: unknown): boolean {
  const refusals = [AuthorizationResponseError, ResponseBodyError, WWWAuthenticateChallengeError]
  return refusals.some((type) => error instanceof type) || isStateError(error)
}

export function isStateError(error: unknown): boolean {
  return error instanceof StateError
}

function createUrl(endpoint: string | undefined, parameters: Record<string, string | undefined>) {
  if (!endpoint) throw new Error('The identity provider has no such endpoint')
  const url = new URL(endpoint)
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value)
  return url.href
}
