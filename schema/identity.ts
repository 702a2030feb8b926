export interface Identity {
  issuer: string
  subject: string
}

/**
 * Returns a token that stands for an identity in NATS subjects. With it, a client calls `users.id`
 * before it knows its user id. The capital letters of the token distinguish it from every user id.
 */
export async function identityToken({ issuer, subject }: Identity): Promise<string> {
  const bytes = new TextEncoder().encode(`${issuer}\0${subject}`)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const hex = [...hash.subarray(0, 20)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `ID-${hex.toUpperCase()}`
}
