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
  try {
    const found: Vouched | undefined = JSON.parse(localStorage.getItem(key) ?? 'null') ?? undefined
    const age = Date.now() - (found?.at ?? 0)
    return age >= 0 && age < lastsMs ? found : undefined
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

export function forgetVouched(): void {
  try {
    localStorage.removeItem(key)
  } catch {
    // There was none.
  }
}
