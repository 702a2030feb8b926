import type { Identity } from '#schema/identity'

/** The user as described by the identity provider's token. */
export interface SessionIdentity extends Identity {
  /** The user id in NATS; undefined if this browser has not learned it from the server yet. */
  user: string | undefined
  /** The user name at the identity provider. */
  handle: string
  name: string
  roles: readonly string[]
}

export interface KnownIdentity extends SessionIdentity {
  user: string
}
