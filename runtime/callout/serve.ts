import { type Msg, type NatsConnection, nkeys } from '@nats-io/nats-core'
import type { Admission, Login } from '../define.ts'
import { FunctionError } from '../error.ts'
import { type AuthorizationRequest, encodeResponse, encodeUser, readRequest } from './jwt.ts'
import { readAccountSeed, type SigningKey } from './nkey.ts'

export interface CalloutOptions {
  /** The account seed (SA…) whose public half nats.conf names as `issuer`. */
  seed: string
  /** The curve seed (SX…) whose public half it names as `xkey`; without it nothing is sealed. */
  xkeySeed: string | undefined
  queue: string
}

const kinds = { nats: 'nats', websocket: 'websocket', mqtt: 'mqtt' } as const

/**
 * Answers the server's question who connects. `admit` says who it is, or throws: the message of a
 * FunctionError is the reason in the server's log, and the answer comes at once either way. Throws an
 * Error for a seed that is none, naming its variable.
 */
export function serveCallout(
  nc: NatsConnection,
  options: CalloutOptions,
  admit: (login: Login) => Promise<Admission>,
): { drain(): Promise<void> } {
  const key = readSeed('NATS_CALLOUT_SEED', () => readAccountSeed(options.seed))
  const { xkeySeed } = options
  const curve =
    xkeySeed === undefined
      ? undefined
      : readSeed('NATS_CALLOUT_XKEY_SEED', () =>
          nkeys.fromCurveSeed(new TextEncoder().encode(xkeySeed)),
        )
  const subscription = nc.subscribe('$SYS.REQ.USER.AUTH', {
    queue: options.queue,
    callback(error, message) {
      if (!error) void answer(message)
    },
  })
  return { drain: () => subscription.drain() }

  /** A message that is no request gets no answer: whoever sent it is not a server. */
  async function answer(message: Msg) {
    let request: AuthorizationRequest
    let seal = (data: Uint8Array) => data
    try {
      const serverKey = message.headers?.get('Nats-Server-Xkey')
      let { data } = message
      if (curve && serverKey) {
        const opened = curve.open(data, serverKey)
        if (!opened) throw new Error('the request cannot be opened with our key')
        data = opened
        seal = (answer) => curve.seal(answer, serverKey)
      }
      request = readRequest(new TextDecoder().decode(data))
    } catch {
      return
    }
    const response = encodeResponse(key, request, await decide(key, request, admit))
    message.respond(seal(new TextEncoder().encode(response)))
  }
}

async function decide(
  key: SigningKey,
  request: AuthorizationRequest,
  admit: (login: Login) => Promise<Admission>,
) {
  try {
    return { jwt: encodeUser(key, request.userNkey, await admit(toLogin(request))) }
  } catch (error) {
    return {
      error: error instanceof FunctionError ? error.message : 'the login could not be checked',
    }
  }
}

function toLogin({ client, connect }: AuthorizationRequest): Login {
  const { auth_token, user = '', pass = '' } = connect
  const type = client.type as keyof typeof kinds | undefined
  return {
    token: auth_token || pass,
    user,
    host: client.host ?? '',
    kind: client.kind === 'Leafnode' ? 'leafnode' : (type && kinds[type]) || 'nats',
  }
}

function readSeed<T>(variable: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Error(`${variable} does not fit: ${(error as Error).message}`)
  }
}
