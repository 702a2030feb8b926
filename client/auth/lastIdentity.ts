import type { Identity } from '#schema/identity'
import type { KnownIdentity } from './identity.ts'

export interface LastIdentity {
  identity: KnownIdentity
  at: number
}

const key = 'natter-vouched'
/**
 * While the identity provider is unreachable, the page shows cached data for this long after the
 * last login or token renewal (docs/decisions/012-offline-cache-for-a-day.md).
 */
const validMs = 24 * 60 * 60_000

/** Returns undefined after a logout or a rejected token renewal, or if the stored identity is too old. */
export function readLastIdentity(): LastIdentity | undefined {
  const stored = readStored()
  const ageMs = Date.now() - (stored?.at ?? 0)
  return ageMs >= 0 && ageMs < validMs ? stored : undefined
}

export function readUserId({ issuer, subject }: Identity): string | undefined {
  const last = readStored()?.identity
  return last?.issuer === issuer && last.subject === subject ? last.user : undefined
}

function readStored(): LastIdentity | undefined {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

export function saveLastIdentity(identity: KnownIdentity): void {
  try {
    localStorage.setItem(key, JSON.stringify({ identity, at: Date.now() } satisfies LastIdentity))
  } catch {
    // Without local storage, the page cannot start while the provider is unreachable.
  }
}

/** Updates the stored identity, unless another tab has logged out or logged in another user. */
export function renewLastIdentity(identity: KnownIdentity): void {
  if (readStored()?.identity.user === identity.user) saveLastIdentity(identity)
}

export function deleteLastIdentity(): void {
  try {
    localStorage.removeItem(key)
  } catch {
    // Local storage is unavailable, so no identity was stored.
  }
}
