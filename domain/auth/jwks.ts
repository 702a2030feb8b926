import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import * as v from 'valibot'
import { FunctionError } from '#runtime'

export interface IssuerKeys {
  refresh(): Promise<void>
  /**
   * Throws jose's `JWKSNoMatchingKey` for an unknown key id, and `unavailable` if the keys cannot
   * be fetched.
   */
  readonly find: JWTVerifyGetKey
}

type LocalKeys = ReturnType<typeof createLocalJWKSet>

/**
 * Timeout for the discovery document and the key set together. It must be shorter than the timeout of a login.
 */
const fetchTimeoutMs = 3_000
/**
 * Minimum time between two fetches for unknown key ids. Forged key ids must not flood the issuer.
 */
const cooldownMs = 2_000
const retryDelayMs = 1_000
/** Age at which the cached keys are fetched again. Until then, a revoked key is still trusted. */
const maxAgeMs = 10 * 60_000

/** Creates a cache of the issuer's keys. They are fetched from `internalUrl`, which may equal `issuer`. */
export function createIssuerKeys(issuer: string, internalUrl: string): IssuerKeys {
  let cached: LocalKeys | undefined
  let staleAt = 0
  let nextSearchAt = 0
  let fetching: Promise<LocalKeys> | undefined
  let failed: { error: FunctionError; until: number } | undefined

  async function fetchAndCache() {
    try {
      cached = createLocalJWKSet(await fetchKeys(issuer, internalUrl))
      staleAt = performance.now() + maxAgeMs
      return cached
    } catch (cause) {
      const at = internalUrl === issuer ? '' : ` at ${internalUrl}`
      const reason = `cannot fetch the keys of ${issuer}${at}: ${explain(cause)}`
      const error = new FunctionError('unavailable', reason, { cause })
      failed = { error, until: performance.now() + retryDelayMs }
      throw error
    } finally {
      fetching = undefined
    }
  }

  async function refresh() {
    if (failed && performance.now() < failed.until) throw failed.error
    fetching ??= fetchAndCache()
    return fetching
  }

  return {
    async refresh() {
      await refresh()
    },
    async find(header, token) {
      const keys = cached ?? (await refresh())
      // If the background refresh fails, the cached keys stay in use.
      if (performance.now() > staleAt) refresh().catch(() => undefined)
      try {
        return await keys(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        if (!fetching && performance.now() < nextSearchAt) throw error
      }
      if (!fetching) nextSearchAt = performance.now() + cooldownMs
      return (await refresh())(header, token)
    },
  }
}

/**
 * Fetches the keys from the URL in the issuer's discovery document. If discovery fails, fetches
 * them from the path that Keycloak uses.
 */
async function fetchKeys(issuer: string, internalUrl: string): Promise<JSONWebKeySet> {
  const base = internalUrl.replace(/\/$/, '')
  const signal = AbortSignal.timeout(fetchTimeoutMs)
  const Discovery = v.object({ issuer: v.literal(issuer), jwks_uri: v.pipe(v.string(), v.url()) })
  const discovered = v.safeParse(
    Discovery,
    await fetchJson(`${base}/.well-known/openid-configuration`, signal).catch(() => undefined),
  )
  const url =
    (discovered.success && internalKeysUrl(discovered.output.jwks_uri, issuer, internalUrl)) ||
    `${base}/protocol/openid-connect/certs`
  return (await fetchJson(url, signal)) as JSONWebKeySet
}

/**
 * Returns the URL from which this process fetches the keys. If `internalUrl` differs from `issuer`,
 * replaces the issuer's host in `url` by the internal host. Returns undefined for keys on a third
 * host, because this process may not reach that host.
 */
function internalKeysUrl(url: string, issuer: string, internalUrl: string): string | undefined {
  const [keys, outside, inside] = [new URL(url), new URL(issuer), new URL(internalUrl)]
  if (internalUrl === issuer || keys.origin === inside.origin) return url
  if (keys.origin !== outside.origin) return undefined
  const prefix = outside.pathname.replace(/\/$/, '')
  const path = keys.pathname.startsWith(`${prefix}/`)
    ? inside.pathname.replace(/\/$/, '') + keys.pathname.slice(prefix.length)
    : keys.pathname
  return new URL(path + keys.search, inside).href
}

async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal, redirect: 'error' })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.json()
}

/** The message of a fetch error is only "fetch failed"; the message of its cause has the reason. */
function explain(error: unknown) {
  const { message, cause } = error as Error
  return cause instanceof Error && cause.message !== '' ? cause.message : message
}
