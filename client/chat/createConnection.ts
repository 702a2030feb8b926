import {
  AuthorizationError,
  type NatsConnection,
  tokenAuthenticator,
  UserAuthenticationExpiredError,
  wsconnect,
} from '@nats-io/nats-core'
import { createSignal, onCleanup } from 'solid-js'
import { type Client, createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { Config } from '../config.ts'
import { createEarlyClient } from './createEarlyClient.ts'
import type { Session } from './createSession.ts'
import { traceOf } from './trace.ts'

export type ChatClient = Client<typeof contracts>

export type Link =
  | { is: 'connecting'; since: number }
  | { is: 'online' }
  /** Gone since then, in milliseconds since the epoch; it is being looked for. */
  | { is: 'offline'; since: number }
  /** The server lets this person in no more: another token might help, trying again would not. */
  | { is: 'refused' }

export interface Connection {
  link: () => Link
  /** Waits for the connection with what is asked before there is one. */
  client: ChatClient
  /** Calls whenever the connection is there again after it was lost. Answers with what stops it. */
  onBack(tell: () => void): () => void
  /** There is none, and none is being looked for: what was kept is all there is to be seen. */
  isAbsent?: true
}

const [firstWaitMs, longestWaitMs] = [250, 8_000]
/** So long after a refusal: whoever decides who may come in may have been away just then. */
const refusedWaitMs = 15_000

/**
 * The one connection of this page to NATS, which stays until its owner is disposed of. A new token is
 * brought by connecting anew, and a connection that is lost is looked for without end; what listens on
 * it goes on listening.
 */
export function createConnection(config: Config, session: Session, user: string): Connection {
  const [link, setLink] = createSignal<Link>({ is: 'connecting', since: Date.now() })
  const { client, connect: setClient } = createEarlyClient()
  const backHandlers = new Set<() => void>()
  let nc: NatsConnection | undefined
  let isDisposed = false
  let wasRefused = false
  let retrial: Promise<boolean> | undefined
  let attempts = 0
  let isConnecting = false
  let later: ReturnType<typeof setTimeout> | undefined

  const stopRenewal = session.onRenewed(() => {
    if (link().is === 'refused') void connect()
    // The server ends the connection with the old token; this does so before, and at our time.
    else void nc?.reconnect().catch(() => undefined)
  })
  const hurry = () => {
    if (link().is !== 'offline') return
    attempts = 0
    void nc?.reconnect().catch(() => undefined)
  }
  window.addEventListener('online', hurry)
  onCleanup(() => {
    isDisposed = true
    stopRenewal()
    window.removeEventListener('online', hurry)
    clearTimeout(later)
    client.close()
    void nc?.close()
  })
  void connect()

  async function connect(): Promise<void> {
    if (isConnecting) return
    isConnecting = true
    clearTimeout(later)
    await tryToConnect()
    isConnecting = false
    if (link().is === 'refused' && !isDisposed) connectLater()
  }

  function connectLater() {
    clearTimeout(later)
    later = setTimeout(() => void connect(), refusedWaitMs * (1 + Math.random()))
  }

  async function tryToConnect(): Promise<void> {
    while (!isDisposed) {
      try {
        const made = await wsconnect({
          servers: config.natsWebSocket,
          name: 'natter-web',
          authenticator: tokenAuthenticator(session.token),
          inboxPrefix: `_INBOX_${user}`,
          maxReconnectAttempts: -1,
          ignoreAuthErrorAbort: true,
          reconnectDelayHandler: () => waitMs(attempts++),
          pingInterval: 20_000,
          maxPingOut: 2,
          timeout: 6_000,
        })
        if (isDisposed) return void made.close()
        nc = made
        attempts = 0
        wasRefused = false
        void follow(made)
        setClient(createClient(made, { contracts, user, headers: traceOf }))
        setLink({ is: 'online' })
        return
      } catch (error) {
        if (isRefusal(error) && !(await isWorthAnotherTry())) return
        await new Promise((resolve) => setTimeout(resolve, waitMs(attempts++)))
      }
    }
  }

  async function follow(made: NatsConnection) {
    for await (const status of made.status()) {
      if (status.type === 'disconnect') setLink({ is: 'offline', since: Date.now() })
      if (status.type === 'reconnect') {
        attempts = 0
        wasRefused = false
        setLink({ is: 'online' })
        for (const tell of backHandlers) tell()
      }
      if (status.type === 'error' && isRefusal(status.error) && !(await isWorthAnotherTry())) {
        await made.close()
        connectLater()
      }
    }
  }

  /** A token may have ended while nobody looked: a fresh one is tried once. */
  function isWorthAnotherTry(): Promise<boolean> {
    retrial ??= (async () => {
      const hasFresh = !wasRefused && (await session.renew())
      wasRefused = true
      if (!hasFresh) setLink({ is: 'refused' })
      retrial = undefined
      return hasFresh
    })()
    return retrial
  }

  return {
    link,
    client,
    onBack(tell) {
      backHandlers.add(tell)
      return () => backHandlers.delete(tell)
    },
  }
}

/** In the place of a connection, while nobody can be asked for a token: away since then. */
export function createAbsence(since: number): Connection {
  return {
    link: () => ({ is: 'offline', since }),
    client: createEarlyClient().client,
    onBack: () => () => undefined,
    isAbsent: true,
  }
}

/** Longer each time, and different for each of those who lost the same server. */
function waitMs(attempt: number): number {
  const most = Math.min(longestWaitMs, firstWaitMs * 2 ** attempt)
  return most / 2 + (Math.random() * most) / 2
}

function isRefusal(error: unknown): boolean {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError
}
