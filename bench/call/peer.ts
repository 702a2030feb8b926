/** A system that answers calls over NATS, and how it is asked: both sides of one row. */
export interface Peer {
  /** Answers an echo in this process from now on. */
  respond(url: string): Promise<void>
  /** Connects; answers with what calls the echo once. */
  connect(url: string): Promise<Call>
}

export type Call = (note: Note) => Promise<unknown>

export interface Note {
  id: string
  text: string
  count: number
}

/** 101 bytes as JSON. */
export const note: Note = {
  id: '0193a5f2-7c1e-7d2a-9b3c-4d5e6f708192',
  text: 'A line about as long as people write.',
  count: 7,
}
