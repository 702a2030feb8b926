/** The acknowledgement of a stored message. */
export interface PubAck {
  seq: number
  /**
   * True if the stream already had a message with the same `id`. The new message is then not
   * stored, and `seq` is the sequence of the existing one.
   */
  duplicate: boolean
}

/** A message that a stream has stored. */
export interface StreamMessage<Data> {
  data: Data
  seq: number
  at: Date
  /** The id of the trace in which the message was appended. Only `context.read` sets it. */
  trace?: string
}

export interface StreamPosition {
  seq: number
  /** The sequence of the previous message on the same subject; 0 if this is the first. */
  prev: number
}

/** The progress of a function through a stream. */
export interface ConsumerProgress {
  /** The function has handled all messages up to this sequence, and possibly some after it. */
  seq: number
  /** True if the stream had no unhandled message at the time of the call. */
  caughtUp: boolean
}

export interface DatedProgress extends ConsumerProgress {
  /**
   * When the function's consumer was created. Changes when the consumer is recreated, for example
   * after a backup was restored.
   */
  since: string
}
