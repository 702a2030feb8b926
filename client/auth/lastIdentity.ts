import type { SessionIdentity } from './identity.ts'

/** The last identity in this browser that the provider has confirmed. */
export interface LastIdentity {
  identity: SessionIdentity
  /** Time of the confirmation, in milliseconds since the epoch. */
  at: number
}

const key = 'natter-vouched'
/** Cached data is shown without a new login for this long: docs/decisions/012. */
const validMs = 24 * 60 * 60_000

/** Returns undefined after a logout, after a rejected renewal, and when the identity is too old. */
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
    // Without storage there is no offline view.
  }
}

/** Renews the stored identity, unless another tab has logged out or changed the user meanwhile. */
export function renewLastIdentity(identity: SessionIdentity): void {
  if (readStored()?.identity.user === identity.user) saveLastIdentity(identity)
}

export function deleteLastIdentity(): void {
  try {
    localStorage.removeItem(key)
  } catch {
    // Without storage nothing was saved.
  }
}
