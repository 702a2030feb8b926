/** Other ways to answer the auth callout: by the libraries there are, and by as little as can be. */
import { createPublicKey, randomUUID, verify } from 'node:crypto'
import { decode, encodeAuthorizationResponse, encodeUser, fromSeed } from '@nats-io/jwt'
import { type Msg, nkeys } from '@nats-io/nats-core'
import { jwtVerify } from 'jose'
import { contractSubject } from '../../runtime/api/contract.ts'
import { readAccountSeed } from '../../runtime/auth-callout/nkey.ts'
import { readCurveSeed } from '../../runtime/auth-callout/xkey.ts'
import type { Contract } from '../../runtime/index.ts'
import { contracts } from '../../schema/contracts.ts'
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

interface Responder {
  open(sealed: Uint8Array, sender: string): Uint8Array | null | undefined
  /** A request's JWT in, the answer's JWT out. */
  answer(request: string): Promise<string>
  seal(data: Uint8Array, recipient: string): Uint8Array
}

/** What the product lets a user ask: answers that say more would cost more. */
const askable = Object.values<Contract>(contracts)
  .filter(({ audience }) => audience.some((who) => who === 'everyone' || who === 'user'))
  .map((contract) => contractSubject(contract).template.replaceAll(/\{(?!caller)\w+\}/g, '*'))

const permissionsFor = (user: string) => ({
  pub: { allow: askable.map((subject) => subject.replace('{caller}', user)) },
  sub: {
    allow: [
      `_INBOX_${user}.>`,
      `deliver.${user}.>`,
      'room.notify.*',
      'room.presence.*',
      'room.typing.*',
    ],
  },
})

/** `@nats-io/jwt` signs, with nkeys beneath it, which seals as well; jose checks the token. */
function createLibraryResponder({ calloutSeed, xkeySeed, publicKeyPem }: Setting): Responder {
  const account = fromSeed(new TextEncoder().encode(calloutSeed))
  const curve = nkeys.fromCurveSeed(new TextEncoder().encode(xkeySeed))
  const key = createPublicKey(publicKeyPem)
  async function answer(request: string) {
    const { user_nkey, server_id, connect_opts } = decode<Request>(request).nats as Request
    const { payload } = await jwtVerify(connect_opts.auth_token, key)
    const user = String(payload.preferred_username)
    const options = { aud: 'CLIENTS', exp: payload.exp ?? 0 }
    const jwt = await encodeUser(user, user_nkey, account, permissionsFor(user), options)
    return encodeAuthorizationResponse(user_nkey, server_id.id, account, { jwt }, {})
  }
  return {
    answer,
    open: (sealed, sender) => curve.open(sealed, sender),
    seal: (data, recipient) => curve.seal(data, recipient),
  }
}

/**
 * node:crypto for RS256 and Ed25519, JWTs put together by hand, and a secret for sealing that is
 * agreed on once. Believes the request: what is sealed for our key comes from the server. Without the
 * check it believes the token too, which shows what the rest costs.
 */
function createFloorResponder(
  { calloutSeed, xkeySeed, publicKeyPem }: Setting,
  isChecked: boolean,
): Responder {
  const account = readAccountSeed(calloutSeed)
  const key = createPublicKey(publicKeyPem)
  const header = Buffer.from('{"typ":"JWT","alg":"ed25519-nkey"}').toString('base64url')
  const encode = (claims: object) => {
    const issued = { jti: randomUUID(), iat: Math.floor(Date.now() / 1_000), ...claims }
    const body = Buffer.from(JSON.stringify({ iss: account.publicKey, ...issued }))
    const signed = `${header}.${body.toString('base64url')}`
    return `${signed}.${account.sign(signed).toString('base64url')}`
  }
  const isSigned = (token: string) => {
    const end = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    return verify('RSA-SHA256', Buffer.from(token.slice(0, end)), key, signature)
  }
  async function answer(request: string) {
    const { user_nkey, server_id, connect_opts } = readBody<{ nats: Request }>(request).nats
    const { auth_token: token } = connect_opts
    if (isChecked && !isSigned(token)) throw new Error('The token is not signed by its issuer')
    const { preferred_username: user, exp } = readBody<Record<string, string>>(token)
    const nats = { type: 'user', version: 2, subs: -1, data: -1, payload: -1 }
    const jwt = encode({
      sub: user_nkey,
      aud: 'CLIENTS',
      name: user,
      exp,
      nats: { ...nats, ...permissionsFor(String(user)) },
    })
    const response = { type: 'authorization_response', version: 2, jwt }
    return encode({ sub: user_nkey, aud: server_id.id, nats: response })
  }
  return { answer, ...readCurveSeed(xkeySeed) }
}

const responders = {
  library: createLibraryResponder,
  floor: (setting: Setting) => createFloorResponder(setting, true),
  unchecked: (setting: Setting) => createFloorResponder(setting, false),
}
export type ResponderName = keyof typeof responders

/** Answers the auth callout in this process from now on. */
export async function respond(name: ResponderName, setting: Setting): Promise<void> {
  const { open, answer, seal } = responders[name](setting)
  const nc = await connectTo(setting.url, name)
  nc.subscribe('$SYS.REQ.USER.AUTH', {
    callback(_error, message) {
      void reply(message)
    },
  })
  await nc.flush()

  async function reply(message: Msg) {
    const serverKey = message.headers?.get('Nats-Server-Xkey') ?? ''
    const opened = open(message.data, serverKey)
    if (!opened) throw new Error('The request is not sealed for our key')
    const response = await answer(new TextDecoder().decode(opened))
    message.respond(seal(new TextEncoder().encode(response), serverKey))
  }
}

function readBody<Body>(jwt: string): Body {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
}
