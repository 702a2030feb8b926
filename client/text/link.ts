const schemes: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:'])
const maxLength = 2_048
/**
 * Each repetition has an upper limit, such as 63, so that a hostile text cannot cause long
 * backtracking.
 */
const hostPattern = /(?:[\p{L}\p{M}\p{N}_-]{1,63}\.){1,8}\p{L}[\p{L}\p{M}\p{N}-]{1,62}/gu

export interface LinkTarget {
  /** The URL in normalized form, so that the browser opens exactly the URL that was checked. */
  href: string
  host: string
  isWeb: boolean
  /** True if the URL has a user name, as in `https://bank.example@elsewhere.example`. */
  hasUser: boolean
}

/**
 * Returns undefined for an invalid or too long URL, and for a URL whose scheme messages may not
 * contain.
 */
export function parseLink(text: string): LinkTarget | undefined {
  if (text.length > maxLength || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (!schemes.has(url.protocol)) return undefined
  const isWeb = url.protocol !== 'mailto:'
  const host = isWeb ? url.host : url.pathname
  if (!host) return undefined
  return { href: url.href, host, isWeb, hasUser: url.username !== '' || url.password !== '' }
}

/**
 * Returns true if a link may deceive the reader: its text contains another host or bidi controls,
 * its URL has a user name, or its host has non-ASCII letters (`xn--`), which may imitate a known
 * host.
 */
export function isMisleading(text: string, { host, isWeb, hasUser }: LinkTarget): boolean {
  if (hasUser || /(?:^|\.)xn--/.test(host) || /\p{Bidi_Control}/u.test(text)) return true
  const target = isWeb ? host : host.slice(host.lastIndexOf('@') + 1)
  return text
    .split(/\s+/)
    .flatMap(findHosts)
    .some((shown) => normalizeHost(shown) !== normalizeHost(target))
}

/**
 * Returns the hosts in a word. Stops at the start of a path, because a path may contain texts that
 * look like hosts.
 */
function findHosts(word: string): string[] {
  const text = word
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replaceAll('\u3002', '.')
  const hosts: string[] = []
  for (const { 0: name, index } of text.matchAll(hostPattern)) {
    hosts.push(name)
    if (/^(?::\d+)?[/?#]/.test(text.slice(index + name.length))) break
  }
  return hosts
}

function normalizeHost(host: string): string {
  const url = `https://${host}`
  return (URL.canParse(url) ? new URL(url).hostname : host).replace(/^www\./, '')
}
