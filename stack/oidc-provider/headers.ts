import type { Provider } from 'oidc-provider'

export type Middleware = Parameters<Provider['use']>[0]

export function securityHeaders(webOrigins: string[]): Middleware {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    // The answer to a submitted login form redirects to the app. Browsers apply `form-action` to
    // this redirect as well.
    ["form-action 'self'", ...webOrigins].join(' '),
  ].join('; ')
  return async (ctx, next) => {
    ctx.set('content-security-policy', policy)
    ctx.set('x-content-type-options', 'nosniff')
    ctx.set('referrer-policy', 'no-referrer')
    await next()
  }
}

export function crossOrigin(webOrigins: string[]): Middleware {
  return async (ctx, next) => {
    const origin = ctx.get('origin')
    const isAllowed = webOrigins.includes(origin)
    ctx.vary('origin')
    if (isAllowed) ctx.set('access-control-allow-origin', origin)

    if (ctx.method === 'OPTIONS') {
      ctx.status = 204
      if (!isAllowed) return
      ctx.set('access-control-allow-methods', 'GET, POST')
      ctx.set('access-control-allow-headers', 'authorization, content-type')
      ctx.set('access-control-max-age', '3600')
      return
    }
    await next()
    // oidc-provider lets every origin read its public endpoints. Here, only `webOrigins` may read
    // them.
    if (!isAllowed) ctx.remove('access-control-allow-origin')
  }
}
