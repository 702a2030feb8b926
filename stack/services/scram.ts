import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

const iterations = 4096

/** The server's side of one login by SCRAM-SHA-256 (RFC 5802 and 7677), which PostgreSQL uses. */
export interface ScramLogin {
  first(clientFirst: string): string
  /** Answers the client's last message. Returns undefined if the password was wrong. */
  last(clientFinal: string): string | undefined
}

export function createScram(password: string): () => ScramLogin {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
  const serverKey = hmac(salted, 'Server Key')

  return () => {
    let exchanged = ''
    let nonce = ''
    return {
      first(clientFirst) {
        // Channel binding (`p=`) is not offered, because there is no TLS.
        const [, bare, clientNonce] = /^[ny],,(n=[^,]*,r=([^,]+))$/.exec(clientFirst) ?? []
        if (!bare) throw new Error('The first SCRAM message is malformed')
        nonce = clientNonce + randomBytes(18).toString('base64')
        const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`
        exchanged = `${bare},${serverFirst}`
        return serverFirst
      },
      last(clientFinal) {
        const [, unproven, sentNonce, proofText = ''] =
          /^(c=(?:biws|eSws),r=([^,]+)),p=(.+)$/.exec(clientFinal) ?? []
        if (!unproven || !nonce || sentNonce !== nonce) return undefined
        const proof = Buffer.from(proofText, 'base64')
        const signature = hmac(storedKey, `${exchanged},${unproven}`)
        if (proof.length !== signature.length) return undefined
        const clientKey = proof.map((byte, index) => byte ^ (signature[index] ?? 0))
        const isRight = timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey)
        if (!isRight) return undefined
        return `v=${hmac(serverKey, `${exchanged},${unproven}`).toString('base64')}`
      },
    }
  }
}

function hmac(key: Buffer, text: string) {
  return createHmac('sha256', key).update(text).digest()
}
