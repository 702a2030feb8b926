import type { TokenEndpointResponse } from 'oauth4webapi'
import { createSignal } from 'solid-js'
import type { Config } from '../config.ts'
import type { KnownIdentity, SessionIdentity } from './identity.ts'
import {
  deleteLastIdentity,
  readUserId,
  renewLastIdentity,
  saveLastIdentity,
} from './lastIdentity.ts'
import { createProvider, isRefusal, isStateError } from './provider.ts'

export type SessionState =
  | { status: 'starting' }
  | { status: 'in'; identity: SessionIdentity }
  | { status: 'out'; why: 'never' | 'ended' | 'logout' }
  | { status: 'unreachable' }

/**
 * `refused`: the provider has rejected the renewal, there is no session, or the session has ended
 * during the renewal.
 */
export type Renewal = 'renewed' | 'refused' | 'unreachable'

export type Session = ReturnType<typeof createSession>

/**
 * A token counts as expired this long before its lifetime has passed. The page counts the lifetime
 * from the token's arrival, but the lifetime began when the provider issued the token.
 */
const expiryMarginMs = 5_000

const logoutMark = 'natter-logout'

export const callbackPath = '/callback'

/**
 * Creates the user's session at the OpenID provider, by authorization code flow with PKCE. Tokens
 * are held in memory only. After a reload, the page gets new tokens by a redirect with
 * `prompt=none`. A request in a hidden frame would fail, because browsers block the provider's
 * cookies there.
 */
export function createSession({ issuer, clientId }: Config) {
  const { location } = window
  const provider = createProvider({
    issuer,
    clientId,
    redirectUri: location.origin + callbackPath,
    logoutRedirectUri: `${location.origin}/`,
  })
  const [state, setState] = createSignal<SessionState>({ status: 'starting' })
  const renewalHandlers = new Set<() => void>()
  let user: TokenEndpointResponse | undefined
  let expiresAt = 0
  let renewal: Promise<Renewal> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  async function start(): Promise<void> {
    const { href, pathname } = location
    if (pathname !== callbackPath) return redirect({ prompt: 'none' }).catch(setUnreachable)

    const login = provider.takeLogin()
    window.history.replaceState(null, '', readReturnPath(login?.returnPath))
    try {
      const identity = setUser(await provider.finishLogin(login, href))
      if (isKnown(identity)) saveLastIdentity(identity)
      takeLogoutMark()
    } catch (error) {
      if (isStale(error)) return await start()
      if (!isRefusal(error)) return setUnreachable()
      deleteLastIdentity()
      setState({ status: 'out', why: takeLogoutMark() ? 'logout' : 'never' })
    }
  }

  function setUnreachable() {
    setState({ status: 'unreachable' })
  }

  async function redirect(options: { prompt?: 'none' } = {}): Promise<void> {
    location.replace(await provider.createLoginUrl(location.pathname, options))
  }

  function setUser(response: TokenEndpointResponse): SessionIdentity {
    user = response
    const identity = readIdentity(response.access_token)
    const before = state()
    // Setting the state recreates the whole page. So the state is set only if the identity has
    // changed, not if only the token is new.
    if (before.status !== 'in' || !isSame(before.identity, identity))
      setState({ status: 'in', identity })
    clearTimeout(timer)
    const lifeMs = (response.expires_in ?? 60) * 1_000
    expiresAt = Date.now() + lifeMs
    timer = setTimeout(() => void renew(), Math.max(1_000, lifeMs * 0.75))
    return identity
  }

  async function refresh(): Promise<TokenEndpointResponse> {
    const before = user
    if (!before?.refresh_token) throw new Error('The identity provider gave no refresh token')
    // Tokens that are missing in the response remain valid.
    return { ...before, ...(await provider.refresh(before.refresh_token)) }
  }

  async function renew(): Promise<Renewal> {
    if (!user) return 'refused'
    renewal ??= (async () => {
      const before = user
      try {
        const response = await refresh()
        if (user !== before) return 'refused'
        const identity = setUser(response)
        if (isKnown(identity)) renewLastIdentity(identity)
        for (const callback of renewalHandlers) callback()
        return 'renewed'
      } catch (error) {
        if (user !== before) return 'refused'
        if (isRefusal(error)) {
          deleteLastIdentity()
          end('ended')
          return 'refused'
        }
        // Tries again soon, because the provider may be reachable again before the token expires.
        clearTimeout(timer)
        timer = setTimeout(() => void renew(), 5_000)
        return 'unreachable'
      } finally {
        renewal = undefined
      }
    })()
    return renewal
  }

  function end(why: 'ended' | 'logout') {
    clearTimeout(timer)
    user = undefined
    setState({ status: 'out', why })
  }

  return {
    state,
    start,
    leave: end,
    renew,
    token: () => user?.access_token ?? '',
    isOver: () => user === undefined || Date.now() >= expiresAt - expiryMarginMs,
    login: () => redirect(),
    setUserId(identity: SessionIdentity, user: string): void {
      saveLastIdentity({ ...identity, user })
    },
    async logout() {
      const idToken = user?.id_token
      deleteLastIdentity()
      end('logout')
      sessionStorage.setItem(logoutMark, '1')
      location.replace(await provider.createLogoutUrl(idToken))
    },
    onRenewed(callback: () => void): () => void {
      renewalHandlers.add(callback)
      return () => renewalHandlers.delete(callback)
    },
  }
}

function takeLogoutMark(): boolean {
  const isMarked = sessionStorage.getItem(logoutMark) !== null
  sessionStorage.removeItem(logoutMark)
  return isMarked
}

function isStale(error: unknown): boolean {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  return navigation?.type === 'back_forward' && isStateError(error)
}

/** Compares the roles as well, because the roles determine which actions the page shows. */
function isSame(a: SessionIdentity, b: SessionIdentity): boolean {
  const isSameUser = a.issuer === b.issuer && a.subject === b.subject
  return isSameUser && a.roles.toSorted().join(' ') === b.roles.toSorted().join(' ')
}

function isKnown(identity: SessionIdentity): identity is KnownIdentity {
  return identity.user !== undefined
}

function readReturnPath(state: unknown): string {
  const isPath = typeof state === 'string' && state.startsWith('/') && !state.startsWith('//')
  return isPath && !state.startsWith(callbackPath) ? state : '/'
}

/**
 * Reads the identity from the token without verifying it: the page only displays the identity, and
 * the server verifies the token.
 */
function readIdentity(token: string): SessionIdentity {
  const [, payload = ''] = token.split('.')
  const bytes = Uint8Array.from(
    atob(payload.replaceAll('-', '+').replaceAll('_', '/')),
    (character) => character.charCodeAt(0),
  )
  const claims = JSON.parse(new TextDecoder().decode(bytes)) as {
    iss: string
    sub: string
    preferred_username?: string
    name?: string
    realm_access?: { roles?: string[] }
  }
  const identity = { issuer: claims.iss, subject: claims.sub }
  const handle = claims.preferred_username ?? claims.sub
  return {
    ...identity,
    user: readUserId(identity),
    handle,
    name: claims.name ?? handle,
    roles: claims.realm_access?.roles ?? [],
  }
}
