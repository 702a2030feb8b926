/** The logged-in user, as the claims of the access token describe them. */
export interface SessionIdentity {
  /** The user id in NATS: the token's `preferred_username`. */
  user: string
  name: string
  roles: readonly string[]
}
