import { createLocalJWKSet, jwtVerify } from 'jose'
import type { Provider } from 'oidc-provider'
import type { Middleware } from './headers.ts'
import type { Keys } from './keys.ts'
import { userinfoPath } from './paths.ts'
import { tokenAudience, userinfoClaims } from './tokens.ts'
import type { User, Users } from './users.ts'

/**
 * Serves userinfo for an access token. oidc-provider's own userinfo endpoint cannot be used, because
 * it rejects access tokens with an audience.
 */
export function userinfo(provider: Provider, users: Users, keys: Keys): Middleware {
  const publicKeys = createLocalJWKSet({
    keys: keys.signing.map(({ kid, kty, n = '', e = '' }) => ({ kid, kty, n, e, alg: 'RS256' })),
  })

  async function findUser(authorization: string): Promise<User | undefined> {
    const [, token = ''] = /^Bearer (\S+)$/i.exec(authorization) ?? []
    const { issuer } = provider
    const verified = await jwtVerify(token, publicKeys, { issuer, audience: tokenAudience }).catch(
      () => undefined,
    )
    if (verified?.payload.typ !== 'Bearer') return undefined
    // A logout deletes the grant, so a token without a grant is rejected.
    const grant = await provider.Grant.find(String(verified.payload.sid))
    return grant && users.find(String(verified.payload.sub))
  }

  return async (ctx, next) => {
    if (ctx.path !== userinfoPath || !['GET', 'POST'].includes(ctx.method)) return next()
    ctx.set('cache-control', 'no-store')
    const user = await findUser(ctx.get('authorization'))
    if (user) {
      ctx.body = userinfoClaims(user)
      return
    }
    ctx.status = 401
    ctx.set('www-authenticate', `Bearer realm="nats-chat", error="invalid_token"`)
    ctx.body = { error: 'invalid_token', error_description: 'Token verification failed' }
  }
}
