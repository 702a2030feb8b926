/** A client's connection attempt: the client's credentials, and what the server knows about it. */
export interface AuthRequest {
  /** The token that the client sends, or its password if there is no token. Empty without either. */
  token: string
  /** The user name that the client sends. The client chooses it, so it proves no identity. */
  user: string
  /** The client's IP address. */
  host: string
  kind: 'nats' | 'websocket' | 'mqtt' | 'leafnode'
}

/** The identity and the permissions of an accepted connection. */
export interface AuthGrant {
  user: string
  account: string
  /** Subject patterns that the client may publish to. */
  publish: readonly string[]
  /** Subject patterns that the client may subscribe to. */
  subscribe: readonly string[]
  /** The time at which the server closes the connection, in seconds since the epoch. */
  expiresAt: number
}
