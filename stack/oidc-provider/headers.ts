import type { Provider } from 'oidc-provider'

export type Middleware = Parameters<Provider['use']>[0]

/** What a page of ours may do: load our own files, and end up at the app after a form. */
export function securityHeaders(webOrigins: string[]): Middleware {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    // Browsers apply this to the redirects that follow a form, too, and those lead to the app.
    ["form-action 'self'", ...webOrigins].join(' '),
  ].join('; ')
  return async (ctx, next) => {
    ctx.set('content-security-policy', policy)
    ctx.set('x-content-type-options', 'nosniff')
    ctx.set('referrer-policy', 'no-referrer')
    await next()
  }
}

/** Lets pages of the web origins, and no others, read what is answered. */
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
    // oidc-provider is more generous on what is public.
    if (!isAllowed) ctx.remove('access-control-allow-origin')
  }
}
