import type { SessionIdentity } from './identity.ts'

/** The identity in this browser that the identity provider confirmed last. */
export interface LastIdentity {
  identity: SessionIdentity
  /** Time of the confirmation, in milliseconds since the epoch. */
  at: number
}

const key = 'natter-vouched'
/**
 * While the identity provider is unreachable, cached data is shown for this long after it last
 * confirmed the identity: docs/decisions/012.
 */
const validMs = 24 * 60 * 60_000

/** Returns the stored identity; undefined after a logout or a rejected renewal, or if it is too old. */
export function readLastIdentity(): LastIdentity | undefined {
  const stored = readStored()
  const ageMs = Date.now() - (stored?.at ?? 0)
  return ageMs >= 0 && ageMs < validMs ? stored : undefined
}

function readStored(): LastIdentity | undefined {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

export function saveLastIdentity(identity: SessionIdentity): void {
  try {
    localStorage.setItem(key, JSON.stringify({ identity, at: Date.now() } satisfies LastIdentity))
  } catch {
    // Local storage is unavailable: the page cannot start without the provider.
  }
}

/** Updates the stored identity, unless another tab has logged out or logged in another user. */
export function renewLastIdentity(identity: SessionIdentity): void {
  if (readStored()?.identity.user === identity.user) saveLastIdentity(identity)
}

export function deleteLastIdentity(): void {
  try {
    localStorage.removeItem(key)
  } catch {
    // Local storage is unavailable, so no identity was stored.
  }
}
