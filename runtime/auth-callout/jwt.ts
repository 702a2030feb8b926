import { createHash } from 'node:crypto'
import { encodeBase32, isSignedBy, type SigningKey } from './nkey.ts'

const header = Buffer.from('{"typ":"JWT","alg":"ed25519-nkey"}').toString('base64url')

export interface Permissions {
  user: string
  account: string
  publish: readonly string[]
  subscribe: readonly string[]
  /** In seconds since the epoch. */
  expiresAt: number
}

export interface AuthorizationRequest {
  userNkey: string
  serverId: string
  client: { id?: number; host?: string; kind?: string; type?: string }
  connect: { auth_token?: string; user?: string; pass?: string }
}

/**
 * Decodes an authorization request. Throws an Error unless the request is signed by the server that
 * it names.
 */
export function readRequest(jwt: string): AuthorizationRequest {
  const [head, body, signature, ...more] = jwt.split('.')
  if (!head || !body || !signature || more.length > 0) throw new Error('the request is not a JWT')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as {
    iss?: string
    aud?: string
    nats?: {
      type?: string
      user_nkey?: string
      server_id?: { id?: string }
      client_info?: AuthorizationRequest['client']
      connect_opts?: AuthorizationRequest['connect']
    }
  }
  const { iss, aud, nats } = claims
  const serverId = nats?.server_id?.id
  if (nats?.type !== 'authorization_request' || !nats.user_nkey || !serverId || iss !== serverId)
    throw new Error('the request is not an authorization request of a server')
  if (aud !== 'nats-authorization-request') throw new Error('the request has another audience')
  if (!isSignedBy(serverId, `${head}.${body}`, Buffer.from(signature, 'base64url')))
    throw new Error('the request is not signed by its server')
  const { client_info: client = {}, connect_opts: connect = {} } = nats
  return { userNkey: nats.user_nkey, serverId, client, connect }
}

export function encodeUser(key: SigningKey, userNkey: string, grant: Permissions): string {
  return encode(key, {
    sub: userNkey,
    aud: grant.account,
    name: grant.user,
    exp: grant.expiresAt,
    nats: {
      type: 'user',
      version: 2,
      // -1 means no limit. A limit here would have no effect: the server ignores it for users that
      // an auth callout admits.
      subs: -1,
      data: -1,
      payload: -1,
      pub: { allow: grant.publish },
      sub: { allow: grant.subscribe },
    },
  })
}

export function encodeResponse(
  key: SigningKey,
  { userNkey, serverId }: AuthorizationRequest,
  outcome: { jwt: string } | { error: string },
): string {
  const nats = { type: 'authorization_response', version: 2, ...outcome }
  return encode(key, { sub: userNkey, aud: serverId, nats })
}

function encode(key: SigningKey, claims: object): string {
  const issued = { iss: key.publicKey, iat: Math.floor(Date.now() / 1_000), ...claims }
  const jti = encodeBase32(createHash('sha256').update(JSON.stringify(issued)).digest())
  const body = Buffer.from(JSON.stringify({ jti, ...issued })).toString('base64url')
  const signed = `${header}.${body}`
  return `${signed}.${key.sign(signed).toString('base64url')}`
}
