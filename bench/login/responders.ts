/** Two other ways to answer the auth callout: by the libraries there are, and by as little as can be. */
import { createPublicKey, randomUUID, verify } from 'node:crypto'
import { decode, encodeAuthorizationResponse, encodeUser, fromSeed } from '@nats-io/jwt'
import { type Msg, nkeys } from '@nats-io/nats-core'
import { jwtVerify } from 'jose'
import { readAccountSeed } from '../../runtime/callout/nkey.ts'
import { connectTo } from '../connect.ts'

export interface Setting {
  /** With the credentials of the account AUTH. */
  url: string
  calloutSeed: string
  xkeySeed: string
  publicKeyPem: string
}

interface Request {
  user_nkey: string
  server_id: { id: string }
  connect_opts: { auth_token: string }
}

/** A request's JWT in, the answer's JWT out. */
type Answer = (request: string) => Promise<string>

const permissionsFor = (user: string) => ({
  pub: { allow: [`as.${user}.room.join.*`, `as.${user}.msg.get`, `deliver.${user}.send.*`] },
  sub: { allow: [`_INBOX_${user}.>`, `deliver.${user}.>`, 'room.notify.*'] },
})

/** `@nats-io/jwt` signs, with nkeys beneath it; jose checks the token. */
function createLibraryAnswer({ calloutSeed, publicKeyPem }: Setting): Answer {
  const account = fromSeed(new TextEncoder().encode(calloutSeed))
  const key = createPublicKey(publicKeyPem)
  return async (request) => {
    const { user_nkey, server_id, connect_opts } = decode<Request>(request).nats as Request
    const { payload } = await jwtVerify(connect_opts.auth_token, key)
    const user = String(payload.preferred_username)
    const options = { aud: 'CLIENTS', exp: payload.exp ?? 0 }
    const jwt = await encodeUser(user, user_nkey, account, permissionsFor(user), options)
    return encodeAuthorizationResponse(user_nkey, server_id.id, account, { jwt }, {})
  }
}

/**
 * node:crypto for RS256 and Ed25519, JWTs put together by hand. Believes the request: what is sealed
 * for our key comes from the server. No answer can cost less.
 */
function createFloorAnswer({ calloutSeed, publicKeyPem }: Setting): Answer {
  const account = readAccountSeed(calloutSeed)
  const key = createPublicKey(publicKeyPem)
  const header = Buffer.from('{"typ":"JWT","alg":"ed25519-nkey"}').toString('base64url')
  const encode = (claims: object) => {
    const issued = { jti: randomUUID(), iat: Math.floor(Date.now() / 1_000), ...claims }
    const body = Buffer.from(JSON.stringify({ iss: account.publicKey, ...issued }))
    const signed = `${header}.${body.toString('base64url')}`
    return `${signed}.${account.sign(signed).toString('base64url')}`
  }
  return async (request) => {
    const { user_nkey, server_id, connect_opts } = readBody<{ nats: Request }>(request).nats
    const { auth_token: token } = connect_opts
    const end = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    if (!verify('RSA-SHA256', Buffer.from(token.slice(0, end)), key, signature))
      throw new Error('The token is not signed by its issuer')
    const { preferred_username: user, exp } = readBody<Record<string, string>>(token)
    const nats = { type: 'user', version: 2, subs: -1, data: -1, payload: -1 }
    const jwt = encode({
      sub: user_nkey,
      aud: 'CLIENTS',
      name: user,
      exp,
      nats: { ...nats, ...permissionsFor(String(user)) },
    })
    const answer = { type: 'authorization_response', version: 2, jwt }
    return encode({ sub: user_nkey, aud: server_id.id, nats: answer })
  }
}

export const responders = { library: createLibraryAnswer, floor: createFloorAnswer }
export type ResponderName = keyof typeof responders

/** Answers the auth callout in this process from now on. */
export async function respond(name: ResponderName, setting: Setting): Promise<void> {
  const answer = responders[name](setting)
  const curve = nkeys.fromCurveSeed(new TextEncoder().encode(setting.xkeySeed))
  const nc = await connectTo(setting.url, name)
  nc.subscribe('$SYS.REQ.USER.AUTH', {
    callback(_error, message) {
      void reply(message)
    },
  })
  await nc.flush()

  async function reply(message: Msg) {
    const serverKey = message.headers?.get('Nats-Server-Xkey') ?? ''
    const opened = curve.open(message.data, serverKey)
    if (!opened) throw new Error('The request is not sealed for our key')
    const response = await answer(new TextDecoder().decode(opened))
    message.respond(curve.seal(new TextEncoder().encode(response), serverKey))
  }
}

function readBody<Body>(jwt: string): Body {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
}
