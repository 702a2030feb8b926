import { type Configuration, errors, Provider } from 'oidc-provider'
import { loadExistingGrant, registerPasswordGrant } from './grants.ts'
import { crossOrigin, securityHeaders } from './headers.ts'
import type { Keys } from './keys.ts'
import { errorPage, signedOutPage, signOutPage } from './pages.ts'
import { endpoints, signInPath, userinfoPath } from './paths.ts'
import { signInRoutes } from './sign-in.ts'
import type { Store } from './store.ts'
import {
  accessTokenClaims,
  claimsByScope,
  idTokenClaims,
  resource,
  resourceServer,
  scopes,
} from './tokens.ts'
import { userinfo } from './userinfo.ts'
import type { Users } from './users.ts'

const hour = 60 * 60
const twoWeeks = 14 * 24 * hour

export interface ProviderOptions {
  issuer: string
  keys: Keys
  store: Store
  users: Users
  webOrigins: string[]
  logoutUrl: string | undefined
  /** In seconds. */
  accessTokenTtl: number
  log: (message: string, error?: unknown) => void
}

/**
 * Creates the OpenID provider. All its paths are relative to the issuer URL: issuer.ts removes the path
 * of this URL from each request.
 */
export function createProvider(options: ProviderOptions): Provider {
  const { issuer, users, webOrigins, accessTokenTtl, keys, log } = options
  const provider = new Provider(issuer, configure(options))
  // Makes the provider take the origin of URLs in its responses from the `x-forwarded-*` headers,
  // which issuer.ts sets.
  provider.proxy = true
  provider.use(securityHeaders(webOrigins))
  provider.use(crossOrigin(webOrigins))
  provider.use(signInRoutes(provider, users))
  provider.use(userinfo(provider, users, keys))
  registerPasswordGrant(provider, users, accessTokenTtl)
  provider.on('server_error', (_ctx, error) => log('A request failed', error))
  provider.on('backchannel.error', (_ctx, error) => log('A logout token was not accepted', error))
  provider.onerror = (error) => log('A request failed', error)
  return provider
}

function configure(options: ProviderOptions): Configuration {
  const { issuer, keys, store, users, webOrigins, logoutUrl, accessTokenTtl } = options
  return {
    adapter: store.adapter,
    jwks: { keys: keys.signing },
    cookies: { keys: keys.cookies, names: cookieNames(issuer) },
    clients: clients(webOrigins, logoutUrl),
    // oidc-provider sends its requests with a dispatcher that rejects loopback addresses. This
    // removes the dispatcher. That is safe: the provider sends only logout tokens, and only to
    // `logoutUrl`.
    fetch: (url, { dispatcher: _, ...init }: RequestInit & { dispatcher?: unknown } = {}) =>
      globalThis.fetch(url, init),
    clientAuthMethods: ['none'],
    clientBasedCORS: (_ctx, origin) => webOrigins.includes(origin),
    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: scopes.split(' '),
    claims: claimsByScope,
    routes: endpoints,
    discovery: { userinfo_endpoint: issuer + userinfoPath },
    interactions: { url: (_ctx, { uid }) => `${issuer}${signInPath}/${uid}` },
    loadExistingGrant,
    findAccount({ oidc: { client } }, sub, token) {
      const user = users.find(sub)
      const claims = () => (user && client ? idTokenClaims(user, client, token?.grantId) : { sub })
      return user && { accountId: sub, claims }
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    formats: { customizers: { jwt: (_ctx, token, parts) => shape(token, parts, users) } },
    ttl: {
      AccessToken: accessTokenTtl,
      IdToken: accessTokenTtl,
      AuthorizationCode: 60,
      Interaction: hour,
      Session: twoWeeks,
      Grant: twoWeeks,
      RefreshToken: twoWeeks,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      backchannelLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: false },
      // Turns off the endpoint of oidc-provider. The middleware of userinfo.ts serves userinfo
      // instead.
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, wanted) {
          if (wanted !== resource) throw new errors.InvalidTarget()
          return resourceServer(accessTokenTtl)
        },
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          const { IdTokenHint, Session } = ctx.oidc.entities
          const isAsked =
            IdTokenHint !== undefined && IdTokenHint.payload.sub === Session?.accountId
          ctx.body = signOutPage(form, isAsked)
        },
        postLogoutSuccessSource(ctx) {
          ctx.body = signedOutPage()
        },
      },
    },
    renderError(ctx, { error, error_description }) {
      ctx.type = 'html'
      ctx.body = errorPage(error_description ?? error)
    },
  }
}

function clients(webOrigins: string[], logoutUrl: string | undefined): Configuration['clients'] {
  const urls = (...paths: string[]) =>
    webOrigins.flatMap((origin) => paths.map((path) => origin + path))
  const app = {
    client_id: 'nats-chat-app',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: urls('/', '/callback', '/silent'),
    post_logout_redirect_uris: urls('/'),
    ...(logoutUrl
      ? { backchannel_logout_uri: logoutUrl, backchannel_logout_session_required: true }
      : {}),
  } as const
  const commandLine = {
    client_id: 'natter-cli',
    token_endpoint_auth_method: 'none',
    grant_types: ['password', 'refresh_token'],
    response_types: [],
    redirect_uris: [],
  } as const
  return webOrigins.length > 0 ? [app, commandLine] : [commandLine]
}

/**
 * Returns cookie names that contain the port. Browsers share cookies between the ports of a host, so the
 * cookies of two issuers on one host would collide.
 */
function cookieNames(issuer: string) {
  const { port } = new URL(issuer)
  return {
    session: `natter_session_${port}`,
    interaction: `natter_sign_in_${port}`,
    resume: `natter_resume_${port}`,
  }
}

type Customizer = NonNullable<
  NonNullable<NonNullable<Configuration['formats']>['customizers']>['jwt']
>

function shape(token: Parameters<Customizer>[1], parts: Parameters<Customizer>[2], users: Users) {
  if (token.kind !== 'AccessToken') return
  const user = users.find(token.accountId)
  if (!user || !token.client)
    throw new errors.InvalidGrant('the account or the client does not exist')

  const { iss, aud, iat, exp, jti, scope } = parts.payload
  parts.header = { typ: 'JWT' }
  parts.payload = {
    ...{ iss, aud, iat, exp, jti, scope },
    ...accessTokenClaims(user, token.client, token.grantId),
  }
}
