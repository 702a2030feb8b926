/** The acknowledgement of a stored message. */
export interface PubAck {
  /** The message's sequence in the stream. */
  seq: number
  /** True if a message with the same `id` was already stored; `seq` is then its sequence. */
  duplicate: boolean
}

/** A message that a stream has stored. */
export interface StreamMessage<Data> {
  data: Data
  seq: number
  /** When the server stored it. */
  at: Date
  /** The id of the trace that appended it. Set by `read` alone, for messages that carry a trace. */
  trace?: string
}

/** The position of a republished message in its stream. */
export interface StreamPosition {
  seq: number
  /** The sequence of the previous message with the same subject; 0 for the first. */
  prev: number
}

/**
 * The progress of a function through a stream. Messages after `seq` may be handled too: a message whose
 * process died is redelivered after newer ones.
 */
export interface ConsumerProgress {
  /** All messages up to this sequence are handled. */
  seq: number
  /** True if the stream had no unhandled message at the time of the call. */
  caughtUp: boolean
}
