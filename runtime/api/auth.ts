/**
 * A client's connection attempt: the client's credentials, and what the server knows about the
 * client.
 */
export interface AuthRequest {
  /**
   * The token that the client sends, or its password if there is no token. Empty if the client
   * sends neither.
   */
  token: string
  /** The user name that the client sends. The client chooses it, so it proves no identity. */
  user: string
  /** The client's IP address. */
  host: string
  kind: 'nats' | 'websocket' | 'mqtt' | 'leafnode'
}

/**
 * The identity and the roles of an accepted connection. The client may send requests as `user` to the
 * functions whose audience is `everyone` or one of `roles`.
 */
export interface AuthGrant {
  /** The user id: 1 to 64 letters, digits, `_` and `-`. */
  user: string
  account: string
  roles: readonly string[]
  /**
   * Further values that stand for this user in the token `{caller}`. The patterns in `publish` may
   * contain them. The patterns that the runtime derives from `roles` contain only `user`.
   */
  aliases?: readonly string[]
  /**
   * Further subject patterns that the client may publish to. The login fails if one of them matches
   * requests of other users, or requests to a function that this user may not call.
   */
  publish?: readonly string[]
  subscribe: readonly string[]
  /**
   * A text about the connection, such as the id of the user's session. Functions read it with
   * `system.connectionLabels`. The process that served the login keeps the label in memory, so the
   * label is lost when this process stops.
   */
  label?: string | undefined
  /** The time at which the server closes the connection, in seconds since the epoch. */
  expiresAt: number
}
