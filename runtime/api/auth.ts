/** A client's connection attempt: the client's credentials, and what the server knows about it. */
export interface AuthRequest {
  /** The token of the client's CONNECT, or the password if it has no token; empty if it has neither. */
  token: string
  /** The user name of the client's CONNECT. The client chooses it, so it proves nothing. */
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
