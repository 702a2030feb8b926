import type { Identity } from '#schema/identity'

export interface SessionIdentity extends Identity {
  /** Undefined if this browser has not learned it from the server yet. */
  user: string | undefined
  /** The user name at the identity provider. */
  handle: string
  name: string
  roles: readonly string[]
}

export interface KnownIdentity extends SessionIdentity {
  user: string
}
