export interface SessionIdentity {
  /** The user id in NATS: the token's `preferred_username`. */
  user: string
  name: string
  roles: readonly string[]
}
