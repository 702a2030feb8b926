/** A client that connects: the server's facts and the client's credentials. */
export interface AuthRequest {
  /** The token of CONNECT, or its password when there is no token. Empty without either. */
  token: string
  /** The user name of CONNECT. The client chose it: it proves nothing. */
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
  /** Seconds since the epoch, at which the server closes the connection. */
  expiresAt: number
}
