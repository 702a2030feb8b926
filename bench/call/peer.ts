/** A library that is compared with Natter. It answers calls and makes calls over NATS. */
export interface Peer {
  respond(url: string): Promise<void>
  /** Connects to NATS, and returns a function that calls the responder. */
  connect(url: string): Promise<Call>
}

export type Call = (payload: Payload) => Promise<unknown>

export interface Payload {
  id: string
  text: string
  count: number
}

/** The payload has 101 bytes as JSON. */
export const payload: Payload = {
  id: '0193a5f2-7c1e-7d2a-9b3c-4d5e6f708192',
  text: 'A line about as long as people write.',
  count: 7,
}
