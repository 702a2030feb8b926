import {
  AuthorizationError,
  type ConnectionOptions,
  type NatsConnection,
  tokenAuthenticator,
  UserAuthenticationExpiredError,
  wsconnect,
} from '@nats-io/nats-core'
import { createEffect, createRoot, createSignal, onCleanup } from 'solid-js'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { identityToken } from '#schema/identity'
import { type ConnId, natsConnectionId, pageConnectionName } from '#schema/messages/presence'
import type { Session } from '../auth/createSession.ts'
import type { SessionIdentity } from '../auth/identity.ts'
import type { Config } from '../config.ts'
import { type ChatClient, pageContracts } from './chatClient.ts'
import { createDeferredClient } from './createDeferredClient.ts'
import { createTracedClient } from './createTracedClient.ts'
import { createWebSockets } from './createWebSockets.ts'

export type ConnectionState =
  | { status: 'connecting'; since: number }
  | { status: 'online' }
  /** `since` is in milliseconds since the epoch. */
  | { status: 'offline'; since: number }
  /** The server rejects the token. Only a login with another token can succeed. */
  | { status: 'refused' }

export interface Connection {
  state: () => ConnectionState
  /**
   * The user id, which the server determines; undefined until it has answered for the first time in
   * this browser.
   */
  userId: () => string | undefined
  /** The id of the current connection; undefined before the first one. */
  connId: () => ConnId | undefined
  /** Resolves to true once the connection is online, or to false after `graceMs`. */
  waitUntilOnline: () => Promise<boolean>
  /** Calls and subscriptions wait for the first connection. */
  client: ChatClient
  onReconnect(callback: (offlineMs: number) => void): () => void
  isAbsent?: true
}

/** An interruption shorter than this is not shown to the user. */
export const graceMs = 2_000
const [minReconnectMs, maxReconnectMs] = [250, 8_000]
/**
 * Wait between attempts while the browser has no network. It is short, because an attempt without a
 * network causes no traffic.
 */
const noNetworkWaitMs = 1_000
/**
 * Interval of pings. If a ping is not answered before the next one is due, the connection is
 * closed.
 */
const pingMs = 5_000
const checkTimeoutMs = 4_000
/**
 * Time after which a login without a response is tried again: a frozen auth callout does not
 * respond. The time increases with each attempt, because the callout also processes logins that
 * clients have given up. If clients retried quickly, it might never catch up.
 */
const [minLoginMs, maxLoginMs] = [2_500, 10_000]
/**
 * Wait before the next attempt, for example if the runtime does not answer `users.id`. After rejected
 * tokens, the wait begins at 1 s and doubles with each rejection, up to this time. A random share of
 * up to 100 % is added, so that many pages do not reconnect at once.
 */
const maxRetryMs = 15_000
/**
 * Wait before a rejected token is renewed a second time. At a logout, an identity provider may
 * inform Natter's server before it ends the session. In between, the provider still renews tokens,
 * but Natter's server rejects the renewed tokens.
 */
const sessionEndsMs = 1_500

/**
 * Reconnects without limit after an interruption, with the newest token. A token renewal needs no
 * reconnect. Subscriptions survive a reconnect.
 */
export function createConnection(
  config: Config,
  session: Session,
  identity: SessionIdentity,
): Connection {
  const [state, setState] = createSignal<ConnectionState>({
    status: 'connecting',
    since: Date.now(),
  })
  const [userId, setUserId] = createSignal(identity.user)
  const { client, connect: setClient } = createDeferredClient()
  const reconnectHandlers = new Set<(offlineMs: number) => void>()
  const sockets = createWebSockets()
  let nc: NatsConnection | undefined
  let isDisposed = false
  let rejections = 0
  let renewal: Promise<boolean> | undefined
  let attempts = 0
  let reconnectDelayMs = 0
  let options: ConnectionOptions | undefined
  let isConnecting = false
  let retry: ReturnType<typeof setTimeout> | undefined

  const stopRenewal = session.onRenewed(() => {
    if (state().status === 'refused') void connect()
  })
  const listeners = new AbortController()
  const { signal } = listeners
  window.addEventListener('offline', sockets.drop, { signal })
  window.addEventListener('online', check, { signal })
  document.addEventListener('visibilitychange', check, { signal })
  onCleanup(() => {
    isDisposed = true
    stopRenewal()
    listeners.abort()
    clearTimeout(retry)
    client.close()
    void nc?.close()
  })
  void connect()

  /** Drops a dead socket: after a network change or a sleep of the device, its close event may be missing. */
  async function check() {
    attempts = 0
    if (state().status !== 'online' || document.visibilityState === 'hidden') return
    const timeout = setTimeout(sockets.drop, checkTimeoutMs)
    await nc?.flush().catch(() => undefined)
    clearTimeout(timeout)
  }

  async function connect(): Promise<void> {
    if (isConnecting) return
    isConnecting = true
    clearTimeout(retry)
    const opened = await dial()
    isConnecting = false
    if (isDisposed) return void opened?.close()
    if (!opened) return connectLater()
    nc = opened
    loggedIn()
    void follow(opened)
    const answer = askUserId(opened)
    const user = userId() ?? (await answer)
    if (isDisposed) return
    if (user === undefined) return void opened.close().then(connectLater)
    setUserId(user)
    setClient(
      createTracedClient((headers) =>
        createClient(opened, { contracts: pageContracts, user, headers }),
      ),
    )
    setState({ status: 'online' })
    // The stored user id may come from another installation of Natter, which had the same address
    // before. The page then reloads with the user id that the server has sent.
    if ((await answer) !== user && !isDisposed) window.location.reload()
  }

  /** Asks the server for the user id. Returns the stored one if the server does not answer. */
  async function askUserId(connection: NatsConnection): Promise<string | undefined> {
    const caller = await identityToken(identity)
    const asking = createClient(connection, { contracts, user: caller })
    const answer = await asking.try('users.id', {})
    asking.close()
    if (!answer.ok) return identity.user
    const { userId: user } = answer.value
    if (user !== identity.user) session.setUserId(identity, user)
    return user
  }

  function connectLater() {
    const delayMs = rejections > 0 ? 500 * 2 ** rejections : maxRetryMs
    clearTimeout(retry)
    retry = setTimeout(() => void connect(), Math.min(delayMs, maxRetryMs) * (1 + Math.random()))
  }

  async function dial(): Promise<NatsConnection | undefined> {
    while (!isDisposed) {
      try {
        return await wsconnect({
          servers: config.natsWebSocket.split(/ +/),
          // The servers of a cluster may announce internal addresses, which browsers cannot reach.
          ignoreClusterUpdates: true,
          name: pageConnectionName,
          authenticator: tokenAuthenticator(session.token),
          maxReconnectAttempts: -1,
          ignoreAuthErrorAbort: true,
          // nats.js calls this several times per attempt, so each call must return the same delay.
          reconnectDelayHandler: () => reconnectDelayMs,
          pingInterval: pingMs,
          maxPingOut: 1,
          wsFactory(url, used) {
            options = used
            reconnectDelayMs = nextReconnectMs(attempts++)
            updateTimeout()
            return sockets.open(url)
          },
          timeout: timeoutMs(),
        })
      } catch (error) {
        if (needsToken(error) && !(await isWorthRetry())) return undefined
        await new Promise((resolve) => setTimeout(resolve, reconnectDelayMs))
      }
    }
    return undefined
  }

  function loggedIn() {
    attempts = 0
    rejections = 0
    updateTimeout()
  }

  /** Sets the timeout of the next attempt: nats.js reads it before each attempt. */
  function updateTimeout() {
    if (options) options.timeout = timeoutMs()
  }

  function timeoutMs(): number {
    return 2 * sockets.answerMs() + Math.min(maxLoginMs, minLoginMs * 1.5 ** attempts)
  }

  async function follow(connection: NatsConnection) {
    for await (const status of connection.status()) {
      if (status.type === 'staleConnection') sockets.drop()
      // nats.js also emits `disconnect` and `reconnect` for failed attempts. An event that would
      // not change the state is ignored.
      const now = state()
      if (status.type === 'disconnect' && now.status !== 'offline')
        setState({ status: 'offline', since: Date.now() })
      if (status.type === 'reconnect' && now.status !== 'online') {
        loggedIn()
        setState({ status: 'online' })
        const offlineMs = 'since' in now ? Date.now() - now.since : 0
        for (const callback of reconnectHandlers) callback(offlineMs)
      }
      if (status.type === 'error' && needsToken(status.error) && !(await isWorthRetry())) {
        // `close` waits for this loop to end, so the loop must not wait for `close`.
        void connection.close()
        return connectLater()
      }
    }
  }

  /**
   * Returns true if the token may be the cause of the error. After the expiry of a connection, the
   * token may still be valid, because the lifetime of a connection is independent of its token.
   */
  function needsToken(error: unknown): boolean {
    if (error instanceof UserAuthenticationExpiredError) return session.isOver()
    return error instanceof AuthorizationError
  }

  /**
   * Renews a rejected token, which may have expired while the device slept. Returns whether to log
   * in again at once. If Natter's server rejects the renewed token too, waits `sessionEndsMs` and
   * renews the token once more. If the server rejects that token as well, the state is `refused`.
   * Even then, later attempts renew the token: an identity provider that ends the session late
   * refuses one of these renewals, and the page shows that the session has ended.
   */
  function isWorthRetry(): Promise<boolean> {
    renewal ??= renewAfterRejection().finally(() => {
      renewal = undefined
    })
    return renewal
  }

  async function renewAfterRejection(): Promise<boolean> {
    if (rejections === 1) await new Promise((resolve) => setTimeout(resolve, sessionEndsMs))
    if (isDisposed) return false
    const isStale = session.isOver()
    const outcome = await session.renew()
    if (outcome === 'unreachable') return true
    rejections++
    const isRefused = outcome === 'refused' || (rejections > 2 && !isStale)
    if (isRefused) setState({ status: 'refused' })
    return !isRefused
  }

  return {
    state,
    userId,
    connId() {
      const info = nc?.info
      return info && natsConnectionId({ server: info.server_id, client: info.client_id })
    },
    waitUntilOnline: () => becomesOnline(state),
    client,
    onReconnect(callback) {
      reconnectHandlers.add(callback)
      return () => reconnectHandlers.delete(callback)
    },
  }
}

function becomesOnline(state: () => ConnectionState): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  createRoot((dispose) => {
    const timer = setTimeout(() => resolve(false), graceMs)
    createEffect(() => state().status === 'online' && resolve(true))
    void promise.finally(() => {
      clearTimeout(timer)
      dispose()
    })
  })
  return promise
}

/**
 * A connection that is always offline. The page uses it to show cached data while the identity provider
 * is unreachable.
 */
export function createOfflineConnection(user: string, since: number): Connection {
  return {
    state: () => ({ status: 'offline', since }),
    userId: () => user,
    connId: () => undefined,
    waitUntilOnline: async () => false,
    client: createDeferredClient().client,
    onReconnect: () => () => undefined,
    isAbsent: true,
  }
}

/** Returns a random delay: otherwise all clients would reconnect at once after a server restart. */
function nextReconnectMs(attempt: number): number {
  const maxMs = navigator.onLine
    ? Math.min(maxReconnectMs, minReconnectMs * 1.5 ** attempt)
    : noNetworkWaitMs
  return maxMs / 2 + (Math.random() * maxMs) / 2
}
