export interface Identity {
  issuer: string
  subject: string
}

/**
 * Returns a token of NATS subjects that stands for an account at the identity provider. A client
 * that does not know its user id yet calls `users.id` with this token as the caller. The capital
 * letters of the token distinguish it from every user id.
 */
export async function identityToken({ issuer, subject }: Identity): Promise<string> {
  const bytes = new TextEncoder().encode(`${issuer}\0${subject}`)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const hex = [...hash.subarray(0, 20)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `ID-${hex.toUpperCase()}`
}
