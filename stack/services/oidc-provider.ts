import { join } from 'node:path'
import { freePort } from '../ports.ts'
import { nodeArgs } from './node.ts'
import { startProcess } from './process.ts'
import type { ProcessService, ServiceOptions } from './service.ts'

const main = join(import.meta.dirname, '..', 'oidc-provider', 'main.ts')

export interface OidcProviderOptions extends ServiceOptions {
  port?: number | undefined
  /** Origin under which a proxy serves the provider; its own address by default. */
  origin?: string
  webOrigins?: string[]
  /** The URL that receives a logout token when a session of the web app ends. */
  logoutUrl?: string
  /** Time to live of access tokens in seconds; 300 by default. */
  accessTokenTtl?: number
}

/** Starts the embedded OpenID provider on loopback. The `url` of the service is the issuer URL. */
export async function startOidcProvider(options: OidcProviderOptions): Promise<ProcessService> {
  const { dir, webOrigins = [], logoutUrl, accessTokenTtl, origin } = options
  const port = options.port ?? (await freePort())
  return startProcess({
    ...options,
    name: 'issuer',
    isNode: true,
    command: () => ({
      file: process.execPath,
      args: nodeArgs(main),
      env: {
        ...process.env,
        ISSUER_HOST: '127.0.0.1',
        ISSUER_PORT: String(port),
        ISSUER_DIR: join(dir, 'issuer'),
        ISSUER_WEB_ORIGINS: webOrigins.join(','),
        ...(origin ? { ISSUER_URL: origin } : {}),
        ...(logoutUrl ? { ISSUER_LOGOUT_URL: logoutUrl } : {}),
        ...(accessTokenTtl ? { ISSUER_ACCESS_TOKEN_TTL: String(accessTokenTtl) } : {}),
      },
    }),
    async ready(log, from, signal) {
      const line = await log.line(/^\{"ready":true/, { from, signal, within: 30_000 })
      return String(JSON.parse(line).issuer)
    },
  })
}
