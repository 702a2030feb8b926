import type { SessionIdentity } from './identity.ts'

/** Whom the identity provider vouched for last in this browser. */
export interface LastIdentity {
  identity: SessionIdentity
  /** When that was, in milliseconds since the epoch. */
  at: number
}

const key = 'natter-vouched'
/** So long nobody need be asked again to see what was kept: docs/decisions/012. */
const validMs = 24 * 60 * 60_000

/** Nobody, where the provider has said no since, somebody logged out, or it was too long ago. */
export function readLastIdentity(): LastIdentity | undefined {
  const found = readStored()
  const age = Date.now() - (found?.at ?? 0)
  return age >= 0 && age < validMs ? found : undefined
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
    // Then nothing is shown without asking.
  }
}

/** Vouched for again; but another tab may have been left, or somebody else have come there, since. */
export function renewLastIdentity(identity: SessionIdentity): void {
  if (readStored()?.identity.user === identity.user) saveLastIdentity(identity)
}

export function deleteLastIdentity(): void {
  try {
    localStorage.removeItem(key)
  } catch {
    // There was none.
  }
}
