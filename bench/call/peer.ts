export interface Peer {
  respond(url: string): Promise<void>
  connect(url: string): Promise<Call>
}

export type Call = (payload: Payload) => Promise<unknown>

export interface Payload {
  id: string
  text: string
  count: number
}

export const payload: Payload = {
  id: '0193a5f2-7c1e-7d2a-9b3c-4d5e6f708192',
  text: 'A line about as long as people write.',
  count: 7,
}
