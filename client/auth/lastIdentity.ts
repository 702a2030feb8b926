import type { Identity } from './createSession.ts'

/** Whom the identity provider vouched for last in this browser. */
export interface Vouched {
  identity: Identity
  /** When that was, in milliseconds since the epoch. */
  at: number
}

const key = 'natter-vouched'
/** So long nobody need be asked again to see what was kept: docs/decisions/012. */
const lastsMs = 24 * 60 * 60_000

/** Nobody, where the provider has said no since, somebody logged out, or it was too long ago. */
export function readVouched(): Vouched | undefined {
  const found = readLast()
  const age = Date.now() - (found?.at ?? 0)
  return age >= 0 && age < lastsMs ? found : undefined
}

function readLast(): Vouched | undefined {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

export function writeVouched(identity: Identity): void {
  try {
    localStorage.setItem(key, JSON.stringify({ identity, at: Date.now() } satisfies Vouched))
  } catch {
    // Then nothing is shown without asking.
  }
}

/** Vouched for again; but another tab may have been left, or somebody else have come there, since. */
export function extendVouched(identity: Identity): void {
  if (readLast()?.identity.user === identity.user) writeVouched(identity)
}

export function forgetVouched(): void {
  try {
    localStorage.removeItem(key)
  } catch {
    // There was none.
  }
}
