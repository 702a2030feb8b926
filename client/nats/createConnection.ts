import {
  AuthorizationError,
  type NatsConnection,
  tokenAuthenticator,
  UserAuthenticationExpiredError,
  wsconnect,
} from '@nats-io/nats-core'
import { createEffect, createRoot, createSignal, onCleanup } from 'solid-js'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { Session } from '../auth/createSession.ts'
import type { Config } from '../config.ts'
import type { ChatClient } from './chatClient.ts'
import { createDeferredClient } from './createDeferredClient.ts'
import { createWebSockets } from './createWebSockets.ts'
import { createTraceHeaders } from './traceHeaders.ts'

export type ConnectionState =
  | { status: 'connecting'; since: number }
  | { status: 'online' }
  /** Gone since then, in milliseconds since the epoch; it is being looked for. */
  | { status: 'offline'; since: number }
  /** The server lets this person in no more: another token might help, trying again would not. */
  | { status: 'refused' }

export interface Connection {
  state: () => ConnectionState
  /** Whether there is a connection, or is one again before anybody would be told that it was away. */
  waitUntilOnline: () => Promise<boolean>
  /** Waits for the connection with what is asked before there is one. */
  client: ChatClient
  /**
   * Calls whenever the connection is there again after it was lost, with how long it was away. Answers
   * with what stops it.
   */
  onReconnect(tell: (awayMs: number) => void): () => void
  /** There is none, and none is being looked for: what was kept is all there is to be seen. */
  isAbsent?: true
}

/** So long a connection may be away before anybody is told of it. */
export const graceMs = 2_000
const [minReconnectMs, maxReconnectMs] = [250, 8_000]
/** While the device has no network, which it need not be spared: it notices as soon as there is one. */
const noNetworkWaitMs = 1_000
/** A ping this often, and one that is not answered before the next is due ends the connection. */
const pingMs = 10_000
/** So long may the server be silent when there is reason to doubt that it is still there. */
const doubtMs = 4_000
/** So long after a refusal: whoever decides who may come in may have been away just then. */
const refusedWaitMs = 15_000

/**
 * The one connection of this page to NATS, which stays until its owner is disposed of. A new token is
 * brought by connecting anew, and a connection that is lost is looked for without end; what listens on
 * it goes on listening.
 */
export function createConnection(config: Config, session: Session, user: string): Connection {
  const [state, setLink] = createSignal<ConnectionState>({
    status: 'connecting',
    since: Date.now(),
  })
  const { client, connect: setClient } = createDeferredClient()
  const backHandlers = new Set<(awayMs: number) => void>()
  const sockets = createWebSockets()
  let nc: NatsConnection | undefined
  let isDisposed = false
  let wasRefused = false
  let retrial: Promise<boolean> | undefined
  let attempts = 0
  /** From one attempt to the next. */
  let waitMs = 0
  let isConnecting = false
  let later: ReturnType<typeof setTimeout> | undefined

  const stopRenewal = session.onRenewed(() => {
    if (state().status === 'refused') void connect()
    // The server ends the connection with the old token; this does so before, and at our time.
    else void nc?.reconnect().catch(() => undefined)
  })
  const listening = new AbortController()
  const { signal } = listening
  window.addEventListener('offline', sockets.drop, { signal })
  window.addEventListener('online', doubt, { signal })
  document.addEventListener('visibilitychange', doubt, { signal })
  onCleanup(() => {
    isDisposed = true
    stopRenewal()
    listening.abort()
    clearTimeout(later)
    client.close()
    void nc?.close()
  })
  void connect()

  /** Another network, or a device that has slept: what was open may be so for nobody else. */
  async function doubt() {
    attempts = 0
    if (state().status !== 'online' || document.visibilityState === 'hidden') return
    const silence = setTimeout(sockets.drop, doubtMs)
    await nc?.flush().catch(() => undefined)
    clearTimeout(silence)
  }

  async function connect(): Promise<void> {
    if (isConnecting) return
    isConnecting = true
    clearTimeout(later)
    const made = await dial()
    isConnecting = false
    if (isDisposed) return void made?.close()
    if (!made) return connectLater()
    nc = made
    attempts = 0
    wasRefused = false
    void follow(made)
    setClient(createClient(made, { contracts, user, headers: createTraceHeaders }))
    setLink({ status: 'online' })
  }

  function connectLater() {
    clearTimeout(later)
    later = setTimeout(() => void connect(), refusedWaitMs * (1 + Math.random()))
  }

  /** Until there is a connection; without one when nobody is let in with this token. */
  async function dial(): Promise<NatsConnection | undefined> {
    while (!isDisposed) {
      try {
        return await wsconnect({
          servers: config.natsWebSocket,
          name: 'natter-web',
          authenticator: tokenAuthenticator(session.token),
          inboxPrefix: `_INBOX_${user}`,
          maxReconnectAttempts: -1,
          ignoreAuthErrorAbort: true,
          // Asked for several times between two attempts.
          reconnectDelayHandler: () => waitMs,
          pingInterval: pingMs,
          maxPingOut: 1,
          wsFactory(url) {
            waitMs = reconnectDelayMs(attempts++)
            return sockets.open(url)
          },
          timeout: 6_000,
        })
      } catch (error) {
        if (isRefusal(error) && !(await isWorthAnotherTry())) return undefined
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    }
    return undefined
  }

  async function follow(made: NatsConnection) {
    for await (const status of made.status()) {
      if (status.type === 'staleConnection') sockets.drop()
      // Both are told once for each attempt that failed as well.
      const now = state()
      if (status.type === 'disconnect' && now.status !== 'offline')
        setLink({ status: 'offline', since: Date.now() })
      if (status.type === 'reconnect' && now.status !== 'online') {
        attempts = 0
        wasRefused = false
        setLink({ status: 'online' })
        const awayMs = 'since' in now ? Date.now() - now.since : 0
        for (const tell of backHandlers) tell(awayMs)
      }
      if (status.type === 'error' && isRefusal(status.error) && !(await isWorthAnotherTry())) {
        // It waits until nobody follows it any more.
        void made.close()
        return connectLater()
      }
    }
  }

  /**
   * A token may have ended while nobody looked: a fresh one is tried once. Where nobody answers who has
   * one, nobody has refused this person either: then it is tried until somebody does.
   */
  function isWorthAnotherTry(): Promise<boolean> {
    retrial ??= (async () => {
      const isStale = session.isOver()
      const renewal = wasRefused && !isStale ? 'refused' : await session.renew()
      retrial = undefined
      if (renewal === 'unreachable' && isStale) return true
      wasRefused = true
      if (renewal === 'refused') setLink({ status: 'refused' })
      return renewal !== 'refused'
    })()
    return retrial
  }

  return {
    state,
    waitUntilOnline: () => becomesOnline(state),
    client,
    onReconnect(tell) {
      backHandlers.add(tell)
      return () => backHandlers.delete(tell)
    },
  }
}

function becomesOnline(link: () => ConnectionState): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  createRoot((dispose) => {
    const timer = setTimeout(() => resolve(false), graceMs)
    createEffect(() => link().status === 'online' && resolve(true))
    void promise.finally(() => {
      clearTimeout(timer)
      dispose()
    })
  })
  return promise
}

/** In the place of a connection, while nobody can be asked for a token: away since then. */
export function createOfflineConnection(since: number): Connection {
  return {
    state: () => ({ status: 'offline', since }),
    waitUntilOnline: async () => false,
    client: createDeferredClient().client,
    onReconnect: () => () => undefined,
    isAbsent: true,
  }
}

/** Longer each time, and different for each of those who lost the same server. */
function reconnectDelayMs(attempt: number): number {
  const most = navigator.onLine
    ? Math.min(maxReconnectMs, minReconnectMs * 1.5 ** attempt)
    : noNetworkWaitMs
  return most / 2 + (Math.random() * most) / 2
}

function isRefusal(error: unknown): boolean {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError
}
