import {
  type Client,
  errors,
  type Grant,
  type KoaContextWithOIDC,
  type Provider,
  type TokenEndpointGrantContext,
} from 'oidc-provider'
import { TooManyAttempts } from './throttle.ts'
import { idTokenClaims, resource, resourceServer, scopes } from './tokens.ts'
import type { Users } from './users.ts'

/**
 * Returns the session's grant, or a new grant for all scopes. Does not ask the user for consent,
 * because all clients belong to this project.
 */
export async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { provider, client, session, account } = ctx.oidc
  if (!client || !account) return undefined
  const grantId = session?.grantIdFor(client.clientId)
  const existing = grantId ? await provider.Grant.find(grantId) : undefined
  const grant = existing ?? (await createGrant(provider, client, account.accountId))
  // Access and ID tokens contain the id of the grant as their session id (`sid`), so the logout
  // token must contain it as well.
  session?.sidFor(client.clientId, grant.jti)
  return grant
}

export function registerPasswordGrant(
  provider: Provider,
  users: Users,
  accessTokenTtl: number,
): void {
  const parameters = ['username', 'password', 'scope']
  provider.registerGrantType('password', handle, parameters)

  async function handle(ctx: TokenEndpointGrantContext<Credentials>) {
    const { client, params } = ctx.oidc
    const user = signIn(params.username ?? '', params.password ?? '', ctx)
    if (!user) throw new InvalidUserCredentials()

    const { jti: grantId } = await createGrant(provider, client, user.sub)
    const scope = grantedScope(params.scope)
    const owner = { accountId: user.sub, client, grantId, gty: 'password', scope }
    const server = { ...resourceServer(accessTokenTtl), scopes: new Set(scopes.split(' ')) }
    const access = new provider.AccessToken({
      ...owner,
      resourceServer: { ...server, identifier: () => resource },
    })
    const refresh = new provider.RefreshToken({ ...owner, resource })

    const accessToken = await access.save()
    const idToken = new provider.IdToken({}, { ctx })
    const claims = { ...idTokenClaims(user, client, grantId), at_hash: accessToken }
    for (const [name, value] of Object.entries(claims)) idToken.set(name, value)

    ctx.body = {
      access_token: accessToken,
      expires_in: access.expiration,
      refresh_token: await refresh.save(),
      token_type: access.tokenType,
      scope,
      ...(access.scopes.has('openid') ? { id_token: await idToken.issue({ use: 'idtoken' }) } : {}),
    }
  }

  function signIn(username: string, password: string, ctx: KoaContextWithOIDC) {
    try {
      return users.signIn(username, password)
    } catch (error) {
      if (!(error instanceof TooManyAttempts)) throw error
      ctx.set('retry-after', String(error.retryAfterSeconds))
      throw new TooManyRequests(error.message)
    }
  }
}

interface Credentials {
  username?: string
  password?: string
}

class InvalidUserCredentials extends errors.OIDCProviderError {
  override error_description = 'Invalid user credentials'

  constructor() {
    super(401, 'invalid_grant')
  }
}

class TooManyRequests extends errors.OIDCProviderError {
  override error_description: string

  constructor(description: string) {
    super(429, 'invalid_grant')
    this.error_description = description
  }
}

async function createGrant(provider: Provider, client: Client, accountId: string): Promise<Grant> {
  const grant = new provider.Grant({ clientId: client.clientId, accountId })
  grant.addOIDCScope(scopes)
  grant.addResourceScope(resource, scopes)
  await grant.save()
  return grant
}

function grantedScope(requested = scopes) {
  const names = requested.split(' ')
  return scopes
    .split(' ')
    .filter((scope) => names.includes(scope))
    .join(' ')
}
