import { randomBytes } from 'node:crypto'
import nacl from 'tweetnacl'
import { decodeKey, decodeSeed } from './nkey.ts'

/** What NATS's sealed messages begin with: the version, then a nonce. */
const version = Buffer.from('xkv1')
const headLength = version.length + nacl.box.nonceLength

/** A curve key: what others seal for it, nobody else can open. */
export interface CurveKey {
  /** Undefined for what `sender` (X…) has not sealed for this key. */
  open(sealed: Uint8Array, sender: string): Uint8Array | undefined
  seal(data: Uint8Array, recipient: string): Uint8Array
}

/**
 * Reads a curve seed (SX…). The nkeys library agrees on a secret with the other side anew for every
 * message, 1.3 ms each time; the other side is always the same server, so here it is kept. Throws an
 * Error that says what is wrong, and never the seed itself.
 */
export function readCurveSeed(seed: string): CurveKey {
  const secretKey = decodeSeed(seed, 'X')
  const shared = new Map<string, Uint8Array>()

  function sharedWith(other: string) {
    const known = shared.get(other)
    if (known) return known
    const made = nacl.box.before(decodeKey(other, 'X'), secretKey)
    // A cluster has few servers; whoever sends more keys than that is none of them.
    if (shared.size >= 1_000) shared.clear()
    shared.set(other, made)
    return made
  }

  return {
    open(sealed, sender) {
      if (!version.equals(sealed.subarray(0, version.length))) return undefined
      const nonce = sealed.subarray(version.length, headLength)
      if (nonce.length < nacl.box.nonceLength) return undefined
      const box = sealed.subarray(headLength)
      return nacl.box.open.after(box, nonce, sharedWith(sender)) ?? undefined
    },
    seal(data, recipient) {
      const nonce = randomBytes(nacl.box.nonceLength)
      const box = nacl.box.after(data, nonce, sharedWith(recipient))
      return Buffer.concat([version, nonce, box])
    },
  }
}
