import type { ConnectionOptions } from '@nats-io/nats-core'

export interface NatsAddress {
  /** The variable, option or file that contains the URLs, such as `NATS_URL`. Errors name it. */
  readonly source: string
  readonly servers: readonly string[]
  readonly login: { user: string; pass: string } | { token: string } | undefined
  /**
   * True if one of the URLs begins with `tls://`. The login is then sent to each server only over
   * TLS.
   */
  readonly tls: boolean
  /** The URLs without password and token: `nats://functions@127.0.0.1:4222`. */
  readonly shown: string
}

/**
 * Thrown for malformed URLs. The message contains no part of the URLs, because any part may be a
 * secret.
 */
export class AddressError extends Error {
  override name = 'AddressError'
}

const example = 'write nats://user:password@host:4222, or tls:// to require TLS'
const encodingHint = 'write @ / : , # ? and % of a user or password as %40 %2F %3A %2C %23 %3F %25'

/**
 * Parses NATS URLs, separated by commas. `source` is the variable, option or file that contains
 * them. Throws an AddressError that names it for a malformed URL, and for URLs with different
 * logins.
 */
export function readAddress(source: string, urls: string): NatsAddress {
  const parts = urls.split(',').map((part) => part.trim())
  const parsed = parts.map((part, index) => {
    const which = parts.length === 1 ? source : `${source}, URL ${index + 1} of ${parts.length},`
    return readUrl(which, part)
  })
  const logins = new Map(
    parsed.flatMap(({ login }) => (login ? [[JSON.stringify(login), login]] : [])),
  )
  if (logins.size > 1)
    throw new AddressError(`${source} has URLs with different logins: use one login for all`)
  return {
    source,
    servers: parsed.map(({ server }) => server),
    login: [...logins.values()][0],
    tls: parsed.some(({ scheme }) => scheme === 'tls'),
    shown: parsed.map(({ shown }) => shown).join(','),
  }
}

export function connectionOptions({ servers, login, tls }: NatsAddress): ConnectionOptions {
  // With `tls`, nats.js closes a connection to a server without TLS before it sends the login.
  return { servers: [...servers], ...login, ...(tls ? { tls: {} } : {}) }
}

function readUrl(which: string, text: string) {
  const [, named] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? []
  const scheme = named?.toLowerCase() ?? 'nats'
  if (scheme !== 'nats' && scheme !== 'tls')
    throw new AddressError(`${which} begins with ${scheme}://: ${example}`)
  const url = URL.parse(named === undefined ? `nats://${text}` : text)
  // nats.js parses host and port as parts of an HTTP URL, so they must be valid in an HTTP URL.
  if (!url?.hostname || url.port === '0' || !URL.canParse(`http://${url.host}`))
    throw new AddressError(`${which} is not a NATS URL: ${example}; ${encodingHint}`)
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '')
    throw new AddressError(
      `${which} has a path, a query or a fragment after the host: ${example}; ${encodingHint}`,
    )
  const server = `${url.hostname}:${url.port || 4222}`
  const login = readLogin(which, url)
  const user = login && 'user' in login ? `${url.username}@` : login ? '…@' : ''
  return { scheme, server, login, shown: `${scheme}://${user}${server}` }
}

function readLogin(which: string, { username, password }: URL): NatsAddress['login'] {
  if (username === '' && password === '') return undefined
  if (username === '') throw new AddressError(`${which} has a password without a user: ${example}`)
  try {
    const user = decodeURIComponent(username)
    return password === '' ? { token: user } : { user, pass: decodeURIComponent(password) }
  } catch {
    throw new AddressError(`${which} has a % without a two-digit code behind it: ${encodingHint}`)
  }
}
