/** The acknowledgement of a stored message. */
export interface PubAck {
  /** The message's sequence in the stream. */
  seq: number
  /** True if a message with this `id` was stored before; `seq` is then that message's sequence. */
  duplicate: boolean
}

/** A message that a stream has stored. */
export interface StreamMessage<Data> {
  data: Data
  seq: number
  /** When the server stored the message. */
  at: Date
  /** The id of the trace in which the message was appended, if it carries one. Only `read` sets it. */
  trace?: string
}

/** The position of a republished message in its stream. */
export interface StreamPosition {
  seq: number
  /** The sequence of the previous message on the same subject; 0 if this is the first. */
  prev: number
}

/**
 * The progress of a function through a stream. Some messages after `seq` may already be handled: a
 * message whose process died is redelivered after newer messages.
 */
export interface ConsumerProgress {
  /** The function has handled all messages up to this sequence. */
  seq: number
  /** True if the stream had no unhandled message at the time of the call. */
  caughtUp: boolean
}
