import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Issuer extends AsyncDisposable {
  url: string
  privateKeyPem: string
  publicKeyPem: string
}

export const clientId = 'nats-chat-app'
const keyId = 'bench'

export async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'RS256', use: 'sig' }
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [jwk] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

export function signTokens(issuer: string, privateKeyPem: string, count: number): string[] {
  const key = createPrivateKey(privateKeyPem)
  return Array.from({ length: count }, (_, index) => signToken(issuer, key, `bench-${index}`))
}

export function signToken(issuer: string, key: KeyObject, user: string, extra = {}): string {
  const now = Math.floor(Date.now() / 1_000)
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const claims = {
    iss: issuer,
    iat: now,
    exp: now + 3_600,
    azp: clientId,
    typ: 'Bearer',
    preferred_username: user,
    realm_access: { roles: ['user'] },
    ...extra,
  }
  const signed = `${encode({ alg: 'RS256', typ: 'JWT', kid: keyId })}.${encode(claims)}`
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`
}
