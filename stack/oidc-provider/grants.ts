import {
  type Client,
  errors,
  type Grant,
  type KoaContextWithOIDC,
  type Provider,
  type TokenEndpointGrantContext,
} from 'oidc-provider'
import { idTokenClaims, resource, resourceServer, scopes } from './tokens.ts'
import type { Users } from './users.ts'

/**
 * The grant a session has, or a new one for everything there is: the clients are our own, so nobody
 * is asked whether they may.
 */
export async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { provider, client, session, account } = ctx.oidc
  if (!client || !account) return undefined
  const grantId = session?.grantIdFor(client.clientId)
  const existing = grantId ? await provider.Grant.find(grantId) : undefined
  return existing ?? createGrant(provider, client, account.accountId)
}

/** The password grant, for clients that list it: tokens for a name and a password, without a page. */
export function registerPasswordGrant(
  provider: Provider,
  users: Users,
  accessTokenTtl: number,
): void {
  const parameters = ['username', 'password', 'scope']
  provider.registerGrantType('password', handle, parameters)

  async function handle(ctx: TokenEndpointGrantContext<Credentials>) {
    const { client, params } = ctx.oidc
    const user = users.signIn(params.username ?? '', params.password ?? '')
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
}

interface Credentials {
  username?: string
  password?: string
}

/** Keycloak's answer, to the letter. */
class InvalidUserCredentials extends errors.OIDCProviderError {
  override error_description = 'Invalid user credentials'

  constructor() {
    super(401, 'invalid_grant')
  }
}

async function createGrant(provider: Provider, client: Client, accountId: string): Promise<Grant> {
  const grant = new provider.Grant({ clientId: client.clientId, accountId })
  grant.addOIDCScope(scopes)
  grant.addResourceScope(resource, scopes)
  await grant.save()
  return grant
}

/** Those of the scopes asked for that there are; all of them if none was asked for. */
function grantedScope(asked = scopes) {
  const wanted = asked.split(' ')
  return scopes
    .split(' ')
    .filter((scope) => wanted.includes(scope))
    .join(' ')
}
