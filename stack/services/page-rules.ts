/**
 * The rules by which the page is served. `npm start` follows them, and `npm run build` writes them
 * as configurations of Caddy and nginx. The regular expressions must mean the same in JavaScript,
 * PCRE and RE2.
 */

/** Content types by file extension. Files with other extensions are not served. */
export const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

/** Paths of views of the page. The server answers them with index.html. */
export const pagePath = /^\/(callback$|console(\/|$)|r\/[\w/-]+$)/
/** Components of apps. A frame with an opaque origin loads them, so every origin may read them. */
export const appFilePath = /^\/apps\/[\w-]+\.js$/
/** Files whose name contains a hash of their content, so that they never change. */
export const immutablePath = /^\/(assets\/|apps\/[\w-]+\.js$)/
export const hiddenPath = /(^|\/)\./

export const immutable = 'public, max-age=31536000, immutable'
export const revalidated = 'no-cache'

export interface PolicyUrls {
  /** Undefined for a request with an invalid `Host` header. */
  pageOrigin: string | undefined
  natsWebSocket: string
  issuerOrigin: string
}

/**
 * Returns the headers that every answer has. They let the page load only its own files, and connect
 * only to its own server, NATS and the issuer. Remote images are the exception (docs/decisions/015).
 *
 * The frame of an app inherits the policy. In WebKit, 'self' then matches nothing, because the
 * origin of the frame is opaque. So the policy also names the URL of `/apps/`.
 */
export function pageHeaders({ pageOrigin, natsWebSocket, issuerOrigin }: PolicyUrls) {
  return {
    'content-security-policy': [
      "default-src 'none'",
      `script-src 'self' ${pageOrigin ? `${pageOrigin}/apps/` : ''}`,
      "style-src 'self'",
      // `data:` and `blob:` are for apps, whose frames inherit this policy.
      "img-src 'self' https: data: blob:",
      "font-src 'self'",
      "manifest-src 'self'",
      `connect-src 'self' ${natsWebSocket} ${issuerOrigin}`,
      "worker-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    // A DNS prefetch would reveal to the owner of a linked host that the link was displayed.
    'x-dns-prefetch-control': 'off',
    'cross-origin-opener-policy': 'same-origin',
  }
}
