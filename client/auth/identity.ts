import type { Identity } from '#schema/identity'

export interface SessionIdentity extends Identity {
  /**
   * The user id, which the server determines; undefined before the user's first login in this
   * browser.
   */
  user: string | undefined
  /** The user name at the identity provider. */
  handle: string
  name: string
  roles: readonly string[]
}

export interface KnownIdentity extends SessionIdentity {
  user: string
}
