import { createPrivateKey } from 'node:crypto'
import WebSocket from 'ws'
import { signToken } from '../login/issuer.ts'

/** Describes a running server to the driver, which is a process of its own. */
export interface Target {
  protocol: 'centrifugo' | 'natter' | 'prosody' | 'synapse'
  url: string
  /** The issuer of the access tokens. */
  issuer: { url: string; privateKeyPem: string }
  largestRoom: number
  /** The secret with which users are registered at Synapse. */
  secret?: string
}

/** The connection of one user, who follows one room. */
export interface Client {
  /** Absent if the server does not store memberships. */
  join?(room: string): Promise<unknown>
  /**
   * Subscribes to a room. With `since`, which is a result of `position`, `onText` also receives the
   * messages after that position. `onText` receives each message once.
   */
  follow(room: string, onText: (text: string) => void, since?: unknown): Promise<void>
  /** Returns the position of the last message received, for `since`. */
  position(): unknown
  /** Resolves when the server has acknowledged the message. */
  send(room: string, text: string): Promise<unknown>
  /** Returns the number of messages in the newest history page, which has at most 50. */
  readPage(room: string): Promise<number>
  /** Cuts the connection without a closing handshake. */
  cut(): void
}

export type Connect = (target: Target, user: string) => Promise<Client>

export const pageSize = 50

/** Counts the logins and calls that were repeated because the server did not answer them in time. */
export const repeats = { count: 0 }

const tokens = new Map<string, string>()

/**
 * Returns an access token, signed with RS256 like those of the OpenID provider. A user who reconnects has
 * the same token.
 */
export function tokenOf({ issuer }: Target, user: string): string {
  const existing = tokens.get(user)
  if (existing) return existing
  const key = createPrivateKey(issuer.privateKeyPem)
  const token = signToken(issuer.url, key, user, { sub: user })
  tokens.set(user, token)
  return token
}

export async function openSocket(url: string, onData: (data: Buffer) => void, protocol?: string) {
  const socket = new WebSocket(url, protocol)
  socket.on('message', onData)
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve).on('error', reject)
  })
  return socket
}

/** The requests of one connection that wait for their responses. */
export function createPending<Response>() {
  const requests = new Map<string, PromiseWithResolvers<Response>>()
  let count = 0
  return {
    add(id = String(++count)) {
      const request = Promise.withResolvers<Response>()
      requests.set(id, request)
      return { id, response: request.promise }
    },
    settle(id: string, response: Response | Error) {
      const request = requests.get(id)
      requests.delete(id)
      if (response instanceof Error) request?.reject(response)
      else request?.resolve(response)
    },
    fail(error: Error) {
      for (const request of requests.values()) request.reject(error)
      requests.clear()
    },
  }
}
