import type { Msg, NatsConnection } from '@nats-io/nats-core'
import type { AuthRequest } from '../api/auth.ts'
import { FunctionError } from '../api/errors.ts'
import {
  type AuthorizationRequest,
  encodeResponse,
  encodeUser,
  type Permissions,
  readRequest,
} from './jwt.ts'
import { readAccountSeed } from './nkey.ts'
import { readCurveSeed } from './xkey.ts'

export interface CalloutOptions {
  /** The account seed (SA…) whose public key is the `issuer` of the auth callout in nats.conf. */
  seed: string
  /**
   * The curve seed (SX…) whose public key is the `xkey` in nats.conf; undefined if nats.conf has no
   * `xkey`.
   */
  xkeySeed: string | undefined
  queue: string
  /**
   * Called with the error if a request cannot be read, and therefore gets no response, or if
   * `admit` throws an error that is not a FunctionError.
   */
  onFault?: (error: Error) => void
}

/** The connection of a login: the id of its server, and the number of the connection on this server. */
export interface LoginConnection {
  server: string
  id: number
}

const kinds = { nats: 'nats', websocket: 'websocket', mqtt: 'mqtt' } as const

/**
 * Serves the auth callout. `admit` returns the client's permissions, or throws a FunctionError to
 * reject the client; nats-server logs the error's message. If `admit` returns undefined, the login
 * gets no answer, and the client repeats it after its own timeout. `drain` leaves the queue group
 * and waits until all received requests are handled. If a seed is invalid, throws an Error that
 * names its environment variable.
 */
export function serveCallout(
  nc: NatsConnection,
  { seed, xkeySeed, queue, onFault = () => {} }: CalloutOptions,
  admit: (login: AuthRequest, connection: LoginConnection) => Promise<Permissions | undefined>,
): { drain(): Promise<void> } {
  const key = readSeed('NATS_CALLOUT_SEED', seed, readAccountSeed)
  const curve = xkeySeed ? readSeed('NATS_CALLOUT_XKEY_SEED', xkeySeed, readCurveSeed) : undefined
  const inFlight = new Set<Promise<void>>()
  const subscription = nc.subscribe('$SYS.REQ.USER.AUTH', {
    queue,
    callback(error, message) {
      if (error) return onFault(error)
      const answered = answer(message)
        .catch((error) => onFault(new Error(`login not answered: ${error.message}`)))
        .finally(() => inFlight.delete(answered))
      inFlight.add(answered)
    },
  })
  return {
    async drain() {
      await subscription.drain()
      await Promise.all(inFlight)
    },
  }

  async function answer(message: Msg) {
    const { request, seal } = open(message)
    const decision = await decide(request)
    if (!decision) return
    const response = encodeResponse(key, request, decision)
    message.respond(seal(Buffer.from(response)))
  }

  function open({ headers, data }: Msg) {
    const server = headers?.get('Nats-Server-Xkey')
    if (!server) return { request: read(data), seal: (answer: Uint8Array) => answer }
    if (!curve) throw new Error('the server encrypts its requests: set NATS_CALLOUT_XKEY_SEED')
    const opened = curve.open(data, server)
    if (!opened)
      throw new Error('the request is not encrypted for the key of NATS_CALLOUT_XKEY_SEED')
    return { request: read(opened), seal: (answer: Uint8Array) => curve.seal(answer, server) }
  }

  async function decide(request: AuthorizationRequest) {
    const connection = { server: request.serverId, id: request.client.id ?? 0 }
    try {
      const permissions = await admit(toAuthRequest(request), connection)
      return permissions && { jwt: encodeUser(key, request.userNkey, permissions) }
    } catch (error) {
      if (error instanceof FunctionError) return { error: error.message }
      onFault(error instanceof Error ? error : new Error(String(error)))
      return { error: 'internal: the login could not be checked' }
    }
  }
}

function read(data: Uint8Array): AuthorizationRequest {
  return readRequest(new TextDecoder().decode(data))
}

function toAuthRequest({ client, connect }: AuthorizationRequest): AuthRequest {
  const { auth_token, user = '', pass = '' } = connect
  const type = client.type as keyof typeof kinds | undefined
  return {
    token: auth_token || pass,
    user,
    host: client.host ?? '',
    kind: client.kind === 'Leafnode' ? 'leafnode' : (type && kinds[type]) || 'nats',
  }
}

function readSeed<Key>(variable: string, seed: string, read: (seed: string) => Key): Key {
  try {
    return read(seed)
  } catch (error) {
    throw new Error(`${variable} is invalid: ${(error as Error).message}`)
  }
}
