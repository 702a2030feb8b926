/** Baselines of the auth callout, with the NATS libraries or with node:crypto only. */
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

export interface ResponderOptions {
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
  authorize(request: string): Promise<string>
  seal(data: Uint8Array, recipient: string): Uint8Array
}

/**
 * The subjects that a user may publish to. Each response of the auth callout contains all of them,
 * so their number affects the time of a login.
 */
const userSubjects = Object.values<Contract>(contracts)
  .filter(({ audience }) => audience.some((caller) => caller === 'everyone' || caller === 'user'))
  .map((contract) => contractSubject(contract).template.replaceAll(/\{(?!caller)\w+\}/g, '*'))

const permissionsFor = (user: string) => ({
  pub: { allow: userSubjects.map((subject) => subject.replace('{caller}', user)) },
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

function createLibraryResponder({
  calloutSeed,
  xkeySeed,
  publicKeyPem,
}: ResponderOptions): Responder {
  const account = fromSeed(new TextEncoder().encode(calloutSeed))
  const curve = nkeys.fromCurveSeed(new TextEncoder().encode(xkeySeed))
  const key = createPublicKey(publicKeyPem)
  async function authorize(request: string) {
    const { user_nkey, server_id, connect_opts } = decode<Request>(request).nats as Request
    const { payload } = await jwtVerify(connect_opts.auth_token, key)
    const user = String(payload.preferred_username)
    const claims = { aud: 'CLIENTS', exp: payload.exp ?? 0 }
    const jwt = await encodeUser(user, user_nkey, account, permissionsFor(user), claims)
    return encodeAuthorizationResponse(user_nkey, server_id.id, account, { jwt }, {})
  }
  return {
    authorize,
    open: (sealed, sender) => curve.open(sealed, sender),
    seal: (data, recipient) => curve.seal(data, recipient),
  }
}

/** Does not verify the signature of a request, because only the NATS server can encrypt a request. */
function createFloorResponder(
  { calloutSeed, xkeySeed, publicKeyPem }: ResponderOptions,
  verifiesToken: boolean,
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
  async function authorize(request: string) {
    const { user_nkey, server_id, connect_opts } = readBody<{ nats: Request }>(request).nats
    const { auth_token: token } = connect_opts
    if (verifiesToken && !isSigned(token))
      throw new Error('The signature of the access token is invalid')
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
  return { authorize, ...readCurveSeed(xkeySeed) }
}

const responders = {
  library: createLibraryResponder,
  floor: (options: ResponderOptions) => createFloorResponder(options, true),
  unchecked: (options: ResponderOptions) => createFloorResponder(options, false),
}
export type ResponderName = keyof typeof responders

export async function respond(name: ResponderName, options: ResponderOptions): Promise<void> {
  const { open, authorize, seal } = responders[name](options)
  const nc = await connectTo(options.url, name)
  nc.subscribe('$SYS.REQ.USER.AUTH', {
    callback(_error, message) {
      void reply(message)
    },
  })
  await nc.flush()

  async function reply(message: Msg) {
    const serverKey = message.headers?.get('Nats-Server-Xkey') ?? ''
    const request = open(message.data, serverKey)
    if (!request) throw new Error('The request cannot be decrypted with our key')
    const response = await authorize(new TextDecoder().decode(request))
    message.respond(seal(new TextEncoder().encode(response), serverKey))
  }
}

function readBody<Body>(jwt: string): Body {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
}
