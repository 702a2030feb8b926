import {
  ErrorResponse,
  OidcClient,
  type SigninResponse,
  WebStorageStateStore,
} from 'oidc-client-ts'
import { createSignal } from 'solid-js'
import type { Config } from '../config.ts'
import type { SessionIdentity } from './identity.ts'
import { deleteLastIdentity, renewLastIdentity, saveLastIdentity } from './lastIdentity.ts'

export type SessionState =
  | { status: 'starting' }
  | { status: 'in'; identity: SessionIdentity }
  | { status: 'out'; why: 'never' | 'ended' | 'logout' }
  /** The identity provider does not answer. */
  | { status: 'unreachable' }

/** What came of asking for another token: there is one, the provider gives none, or it does not answer. */
export type Renewal = 'renewed' | 'refused' | 'unreachable'

export type Session = ReturnType<typeof createSession>

/** So long the provider may take for an answer. */
const clockToleranceS = 10
/** A token's life is counted from when it came, which is later than when it was made. */
const slackS = 5

/** Where the provider sends the browser back to. */
export const callbackPath = '/callback'

/**
 * The login at the OpenID provider: code flow with PKCE. Tokens are in this page's memory alone; after
 * a reload the provider is asked for new ones, which it gives without a word while its own session
 * lasts. That is a way there and back: a frame would be refused its cookies by most browsers.
 */
export function createSession({ issuer, clientId }: Config) {
  const here = window.location
  const provider = new OidcClient({
    authority: issuer,
    client_id: clientId,
    redirect_uri: here.origin + callbackPath,
    post_logout_redirect_uri: `${here.origin}/`,
    scope: 'openid profile',
    // What a login needs until it comes back from the provider: no token among it.
    stateStore: new WebStorageStateStore({ store: window.sessionStorage }),
    loadUserInfo: false,
    requestTimeoutInSeconds: clockToleranceS,
  })
  const [state, setState] = createSignal<SessionState>({ status: 'starting' })
  const renewed = new Set<() => void>()
  let user: SigninResponse | undefined
  let renewal: Promise<Renewal> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  async function start(): Promise<void> {
    try {
      if (here.pathname !== callbackPath) return await ask({ prompt: 'none' })
      const found = await provider.processSigninResponse(here.href)
      // Where they were when they had to log in.
      window.history.replaceState(null, '', readReturnPath(found.userState))
      saveLastIdentity(take(found))
    } catch (error) {
      const place = error instanceof ErrorResponse ? readReturnPath(error.state) : '/'
      if (here.pathname === callbackPath) window.history.replaceState(null, '', place)
      if (isStale(error)) return await start()
      if (!isRefusal(error)) return void setState({ status: 'unreachable' })
      deleteLastIdentity()
      setState({ status: 'out', why: 'never' })
    }
  }

  /** Goes to the provider's page, which sends the browser back here. */
  async function ask(how: { prompt?: string } = {}): Promise<void> {
    const { url } = await provider.createSigninRequest({ ...how, state: here.pathname })
    here.replace(url)
  }

  function take(found: SigninResponse): SessionIdentity {
    user = found
    const identity = readIdentity(found.access_token)
    const known = state()
    // The same person with another token: nobody who looks at them need look again.
    if (known.status !== 'in' || !isSame(known.identity, identity))
      setState({ status: 'in', identity })
    clearTimeout(timer)
    const lifeMs = (found.expires_in ?? 60) * 1_000
    timer = setTimeout(() => void renew(), Math.max(1_000, lifeMs * 0.75))
    return identity
  }

  async function refresh(): Promise<SigninResponse> {
    const { refresh_token, id_token, session_state = null, scope, profile } = user ?? {}
    if (!refresh_token || !profile) throw new Error('The identity provider gave no refresh token')
    const found = await provider.useRefreshToken({
      state: {
        refresh_token,
        session_state,
        profile,
        ...(id_token === undefined ? {} : { id_token }),
        ...(scope === undefined ? {} : { scope }),
      },
    })
    // Some give another one each time, and some the first one for good.
    found.refresh_token ??= refresh_token
    return found
  }

  /** A new token before the old one ends. */
  function renew(): Promise<Renewal> {
    renewal ??= (async () => {
      const before = user
      try {
        const found = await refresh()
        // Meanwhile they have left.
        if (user !== before) return 'refused'
        renewLastIdentity(take(found))
        for (const tell of renewed) tell()
        return 'renewed'
      } catch (error) {
        if (user !== before) return 'refused'
        if (isRefusal(error)) {
          deleteLastIdentity()
          setState({ status: 'out', why: 'ended' })
          return 'refused'
        }
        // The token may last until it is back. Others may have asked meanwhile: one goes on asking.
        clearTimeout(timer)
        timer = setTimeout(() => void renew(), 5_000)
        return 'unreachable'
      } finally {
        renewal = undefined
      }
    })()
    return renewal
  }

  /** Nobody is here any more. */
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
    /** The access token as it is now; empty for nobody. */
    token: () => user?.access_token ?? '',
    /** Whether that token is of no use any more, or as good as. */
    isOver: () => (user?.expires_in ?? 0) <= slackS,
    /** Goes to the provider's page, and comes back to where one is. */
    login: () => ask(),
    async logout() {
      const id_token_hint = user?.id_token
      deleteLastIdentity()
      end('logout')
      const hint = id_token_hint === undefined ? {} : { id_token_hint }
      const { url } = await provider.createSignoutRequest(hint)
      here.replace(url)
    },
    onRenewed(tell: () => void): () => void {
      renewed.add(tell)
      return () => renewed.delete(tell)
    },
  }
}

/** The provider has answered, and its answer is no. */
function isRefusal(error: unknown): boolean {
  // What is left of another attempt cannot be gone on with: that is a no as well.
  return error instanceof ErrorResponse || isOtherUser(error)
}

function isOtherUser(error: unknown): boolean {
  return /state/i.test(String(error))
}

/** Who goes back in the browser after a login comes past the provider, with what was answered already. */
function isStale(error: unknown): boolean {
  const [way] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  return way?.type === 'back_forward' && isOtherUser(error)
}

/** Also in what they may do: else the page would offer what the server refuses. */
function isSame(one: SessionIdentity, other: SessionIdentity): boolean {
  return (
    one.user === other.user && one.roles.toSorted().join(' ') === other.roles.toSorted().join(' ')
  )
}

function readReturnPath(state: unknown): string {
  const isPath = typeof state === 'string' && state.startsWith('/') && !state.startsWith('//')
  return isPath && !state.startsWith(callbackPath) ? state : '/'
}

/** What a token says of its owner. The server reads it for itself; this is for what is shown. */
function readIdentity(token: string): SessionIdentity {
  const [, payload = ''] = token.split('.')
  const bytes = Uint8Array.from(
    atob(payload.replaceAll('-', '+').replaceAll('_', '/')),
    (character) => character.charCodeAt(0),
  )
  const claims = JSON.parse(new TextDecoder().decode(bytes)) as {
    preferred_username?: string
    name?: string
    sub: string
    realm_access?: { roles?: string[] }
  }
  const user = claims.preferred_username ?? claims.sub
  return {
    user,
    name: claims.name ?? user,
    roles: claims.realm_access?.roles ?? [],
  }
}
