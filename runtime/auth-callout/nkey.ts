import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const seedPrefix = 18 << 3

const kinds = {
  A: { prefix: 0, name: 'an account' },
  N: { prefix: 13 << 3, name: 'a server' },
  X: { prefix: 23 << 3, name: 'a curve' },
} as const

export type KeyKind = keyof typeof kinds

export interface SigningKey {
  readonly publicKey: string
  sign(data: string): Buffer
}

/**
 * Reads an account seed (SA…). The returned key signs with node:crypto, much faster than the nkeys
 * library would. If the seed is invalid, throws an Error that does not contain the seed.
 */
export function readAccountSeed(seed: string): SigningKey {
  const pkcs8 = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    decodeSeed(seed, 'A'),
  ])
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return {
    publicKey: encodeKey('A', Buffer.from(x, 'base64url')),
    sign: (data) => sign(null, Buffer.from(data), key),
  }
}

const serverKeys = new Map<string, KeyObject>()

export function isSignedBy(server: string, data: string, signature: Buffer): boolean {
  let key = serverKeys.get(server)
  if (!key) {
    const x = decodeKey(server, 'N').toString('base64url')
    key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    // A cluster has far fewer servers than this limit, so a full cache contains mostly keys of
    // forged requests. Clearing it keeps such keys from filling the memory.
    if (serverKeys.size >= 1_000) serverKeys.clear()
    serverKeys.set(server, key)
  }
  return verify(null, Buffer.from(data), key, signature)
}

export function decodeSeed(seed: string, kind: KeyKind): Buffer {
  const raw = decode(seed, 'the seed')
  const [first = 0, second = 0] = raw
  const prefix = ((first & 7) << 5) | (second >> 3)
  if ((first & 0xf8) !== seedPrefix || prefix !== kinds[kind].prefix || raw.length !== 34)
    throw new Error(`it is not the seed of ${kinds[kind].name}: those begin with S${kind}`)
  return raw.subarray(2)
}

export function decodeKey(key: string, kind: KeyKind): Buffer {
  const raw = decode(key, 'the key')
  if (raw[0] !== kinds[kind].prefix || raw.length !== 33)
    throw new Error(`it is not the key of ${kinds[kind].name}: those begin with ${kind}`)
  return raw.subarray(1)
}

function encodeKey(kind: KeyKind, raw: Buffer): string {
  const body = Buffer.concat([Buffer.from([kinds[kind].prefix]), raw])
  const checksum = Buffer.alloc(2)
  checksum.writeUInt16LE(crc16(body))
  return encodeBase32(Buffer.concat([body, checksum]))
}

function decode(text: string, what: string): Buffer {
  const bytes = decodeBase32(text, what)
  const body = bytes.subarray(0, -2)
  if (bytes.length < 3 || bytes.readUInt16LE(bytes.length - 2) !== crc16(body))
    throw new Error(`${what} is damaged: its checksum does not match`)
  return body
}

export function encodeBase32(bytes: Buffer): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >>> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text
}

function decodeBase32(text: string, what: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of text) {
    const value = alphabet.indexOf(letter)
    if (value < 0) throw new Error(`${what} contains a character that is not base32`)
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((held >>> bits) & 255)
      held &= (1 << bits) - 1
    }
  }
  return Buffer.from(bytes)
}

function crc16(bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return crc
}
