const schemes: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:'])
const maxLength = 2_048
/** What looks like a host, in any script. The counts keep it from being looked for forever. */
const hostPattern = /(?:[\p{L}\p{M}\p{N}_-]{1,63}\.){1,8}\p{L}[\p{L}\p{M}\p{N}-]{1,62}/gu

export interface LinkTarget {
  /** As the browser reads it, so that what was judged is what is opened. */
  href: string
  /** Where it leads; of mail, to whom. */
  host: string
  isWeb: boolean
  /** Names somebody before the host, as in `https://bank.example@elsewhere.example`. */
  hasUser: boolean
}

/** Where a link leads, unless it is one that a message may not have. */
export function parseLink(written: string): LinkTarget | undefined {
  if (written.length > maxLength || !URL.canParse(written)) return undefined
  const url = new URL(written)
  if (!schemes.has(url.protocol)) return undefined
  const isWeb = url.protocol !== 'mailto:'
  const host = isWeb ? url.host : url.pathname
  if (!host) return undefined
  return { href: url.href, host, isWeb, hasUser: url.username !== '' || url.password !== '' }
}

/**
 * Whether somebody who reads the text might think that it leads elsewhere. A name in another script
 * may look like one that is well known, and what turns the direction of text may hide anything.
 */
export function isMisleading(text: string, { host, isWeb, hasUser }: LinkTarget): boolean {
  if (hasUser || /(?:^|\.)xn--/.test(host) || /\p{Bidi_Control}/u.test(text)) return true
  const there = isWeb ? host : host.slice(host.lastIndexOf('@') + 1)
  return text
    .split(/\s+/)
    .flatMap(hostsIn)
    .some((said) => bare(said) !== bare(there))
}

/** What looks like a host in a word, up to where its path begins: that may look like anything. */
function hostsIn(word: string): string[] {
  const seen = word
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replaceAll('\u3002', '.')
  const found: string[] = []
  for (const { 0: name, index } of seen.matchAll(hostPattern)) {
    found.push(name)
    if (/^(?::\d+)?[/?#]/.test(seen.slice(index + name.length))) break
  }
  return found
}

/** As browsers name it, without what makes no difference. */
function bare(host: string): string {
  const url = `https://${host}`
  return (URL.canParse(url) ? new URL(url).hostname : host).replace(/^www\./, '')
}
