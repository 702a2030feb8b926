import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import * as v from 'valibot'
import { FunctionError } from '#runtime'

export interface IssuerKeys {
  /** Fetches them now; what is kept stays if that fails. Throws `unavailable`. */
  refresh(): Promise<void>
  /** The key that a token names. Throws an error of jose if the issuer has none, or `unavailable`. */
  readonly find: JWTVerifyGetKey
}

type LocalKeys = ReturnType<typeof createLocalJWKSet>

/** For all that a fetch takes: no longer than a login may, with time left to answer. */
const fetchWithinMs = 3_000
/** A new key is known this soon, and a flood of unknown ones costs the issuer no more than this. */
const cooldownMs = 2_000
/** How long after a fetch that failed none is tried. */
const retryMs = 1_000
/** A key that its issuer has given up is still trusted for so long. */
const staleMs = 10 * 60_000

/**
 * The keys that an OIDC issuer signs with. They are kept, whatever becomes of the issuer. A key id
 * that is not among them has them fetched again, but not more often than every two seconds, whoever
 * brings it.
 */
export function createIssuerKeys(issuer: string): IssuerKeys {
  let kept: LocalKeys | undefined
  let staleAt = 0
  let searchFrom = 0
  let fetching: Promise<LocalKeys> | undefined
  let failed: { error: FunctionError; until: number } | undefined

  async function fetchAndKeep() {
    try {
      kept = createLocalJWKSet(await fetchKeys(issuer))
      staleAt = performance.now() + staleMs
      return kept
    } catch (cause) {
      const reason = `the keys of ${issuer} cannot be had: ${explain(cause)}`
      const error = new FunctionError('unavailable', reason, { cause })
      failed = { error, until: performance.now() + retryMs }
      throw error
    } finally {
      fetching = undefined
    }
  }

  async function refresh() {
    if (failed && performance.now() < failed.until) throw failed.error
    fetching ??= fetchAndKeep()
    return fetching
  }

  return {
    async refresh() {
      await refresh()
    },
    async find(header, token) {
      const keys = kept ?? (await refresh())
      // Nobody waits for this one; if it fails, what is kept will do until the next.
      if (performance.now() > staleAt) refresh().catch(() => undefined)
      try {
        return await keys(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        if (!fetching && performance.now() < searchFrom) throw error
      }
      if (!fetching) searchFrom = performance.now() + cooldownMs
      return (await refresh())(header, token)
    },
  }
}

/** From where the issuer says they are, or else from where a Keycloak has them. */
async function fetchKeys(issuer: string): Promise<JSONWebKeySet> {
  const base = issuer.replace(/\/$/, '')
  const signal = AbortSignal.timeout(fetchWithinMs)
  const Discovery = v.object({ issuer: v.literal(issuer), jwks_uri: v.pipe(v.string(), v.url()) })
  const found = v.safeParse(
    Discovery,
    await fetchJson(`${base}/.well-known/openid-configuration`, signal).catch(() => undefined),
  )
  const url = found.success ? found.output.jwks_uri : `${base}/protocol/openid-connect/certs`
  return (await fetchJson(url, signal)) as JSONWebKeySet
}

async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal, redirect: 'error' })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.json()
}

/** fetch itself says no more than that it failed. */
function explain(error: unknown) {
  const { message, cause } = error as Error
  return cause instanceof Error && cause.message !== '' ? cause.message : message
}
