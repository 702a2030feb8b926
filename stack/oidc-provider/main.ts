/**
 * Runs the embedded OpenID provider as a process. Prints `{"ready":true,"issuer":"…"}` on stdout when
 * it listens. SIGHUP rotates the signing key. SIGTERM, SIGINT and a closed IPC channel stop the
 * process.
 */
import { type Issuer, type IssuerOptions, startIssuer } from './issuer.ts'

const maxTtl = 24 * 60 * 60

try {
  const issuer = await startIssuer({ ...readOptions(process.env), log })
  endWith(issuer)
  process.on('SIGHUP', () => {
    issuer.rotateKeys().then((kid) => log(`Signing with the new key ${kid}`), fail)
  })
  console.log(JSON.stringify({ ready: true, issuer: issuer.issuer }))
} catch (error) {
  fail(error)
}

function endWith(issuer: Issuer) {
  const stop = () => issuer.stop().then(() => process.exit(0), fail)
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(event, stop)
}

function readOptions(env: NodeJS.ProcessEnv): IssuerOptions {
  const { ISSUER_DIR: dir, ISSUER_HOST: host = '127.0.0.1', ISSUER_URL: url } = env
  if (!dir) throw new Error('ISSUER_DIR is not set: name the folder for keys and sessions')
  if (!host) throw new Error('ISSUER_HOST is empty: name the address to listen on')
  return {
    dir,
    host,
    port: readInteger(env, 'ISSUER_PORT', { by: 8080, from: 0, to: 65535 }),
    url: url ? readOrigin('ISSUER_URL', url) : undefined,
    webOrigins: (env.ISSUER_WEB_ORIGINS ?? '')
      .split(',')
      .filter(Boolean)
      .map((origin) => readOrigin('ISSUER_WEB_ORIGINS', origin.trim())),
    logoutUrl: env.ISSUER_LOGOUT_URL
      ? readUrl('ISSUER_LOGOUT_URL', env.ISSUER_LOGOUT_URL)
      : undefined,
    accessTokenTtl: readInteger(env, 'ISSUER_ACCESS_TOKEN_TTL', {
      by: 300,
      from: 1,
      to: maxTtl,
    }),
  }
}

function readOrigin(name: string, value: string): string {
  const url = URL.parse(value)
  if (url && /^https?:$/.test(url.protocol) && url.origin === value) return value
  throw new Error(`${name} has "${value}": an origin is needed, such as http://localhost:3000`)
}

function readUrl(name: string, value: string): string {
  if (/^https?:\/\/[^/]/.test(value) && URL.canParse(value)) return value
  throw new Error(`${name} has "${value}": a URL is needed, such as http://localhost:9091/logout`)
}

interface Range {
  by: number
  from: number
  to: number
}

function readInteger(env: NodeJS.ProcessEnv, name: string, { by, from, to }: Range): number {
  const value = env[name] || String(by)
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
  if (number >= from && number <= to) return number
  throw new Error(`${name} is "${value}": a whole number from ${from} to ${to} is needed`)
}

function log(message: string, error?: unknown) {
  console.error(error === undefined ? message : `${message}: ${explain(error)}`)
}

function fail(error: unknown) {
  console.error(`The issuer cannot run: ${explain(error)}`)
  process.exit(1)
}

/**
 * Returns the message of an error. The message of a system error names only the failed operation,
 * such as `listen`, so this adds the environment variable that set the address or folder.
 */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { syscall = '' } = error as NodeJS.ErrnoException
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  if (/^(listen|bind|getaddrinfo)$/.test(syscall))
    return `ISSUER_HOST, ISSUER_PORT: ${error.message}`
  if (/^(mkdir|open|rename)$/.test(syscall)) return `ISSUER_DIR: ${error.message}`
  return syscall ? (error.stack ?? error.message) : `${error.message}${cause}`
}
