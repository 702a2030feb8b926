import type { ErrorCode } from './errors.ts'

/** All processes of the system together, for functions that operators call. */
export interface System {
  /**
   * Returns the services that answer on `$SRV`. Waits until no reply has arrived for 150 ms, at most
   * one second.
   */
  services(): Promise<Service[]>
  /** Returns the matching spans of all processes, unordered. Each process stores its last 10,000. */
  spans(query: SpanQuery): Promise<CollectedSpan[]>
  /** Returns up to `limit` dead letters with a sequence over `after`, oldest first. */
  deadLetters(page: {
    after: number
    limit: number
  }): Promise<{ letters: DeadLetter[]; total: number; hasMore: boolean }>
  /**
   * Calls the handler of the function that failed with the original message, and deletes the dead
   * letter on success. Returns false if it does not exist. Throws `conflict` with the reason if the
   * handler fails again, and `unavailable` if no instance serves the function.
   */
  replay(seq: number): Promise<boolean>
  /** Deletes a dead letter. Returns false if it does not exist. */
  discard(seq: number): Promise<boolean>
}

/** Counters and durations of an endpoint since its start. Durations are in milliseconds. */
export interface EndpointStats {
  requests: number
  errors: number
  processingMs: number
  averageMs: number
  /** This and the following are measured by functions; other services may lack them. */
  inFlight?: number | undefined
  queued?: number | undefined
  /** Requests rejected with `overloaded`. */
  shed?: number | undefined
  p50Ms?: number | undefined
  p95Ms?: number | undefined
  p99Ms?: number | undefined
  /** Percentiles of the last 10 to 20 seconds, if the statistics are polled that often. */
  recentP50Ms?: number | undefined
  recentP99Ms?: number | undefined
}

/** A function, or another micro service, with the sums over all its instances. */
export interface Service extends EndpointStats {
  /** `room.join` for a function, the service's own name for another service. */
  name: string
  service: string
  description: string
  versions: string[]
  /** Empty for a service that is not a function. */
  trigger: string
  /** The request subject, with parameters in braces. */
  subject: string
  queue: string
  /** The roles that may call it. */
  audience: string[]
  lastError: string
  /** Start of the youngest instance. Sums before that time include other instances. */
  since: string
  instances: ServiceInstance[]
}

/** One process of a service. */
export interface ServiceInstance extends EndpointStats {
  id: string
  started: string
  lastError: string
  version: string
  /** `host:pid`. */
  process: string
}

/** A finished step of a trace: a call of a function, or an append to a stream. */
export interface Span {
  readonly trace: string
  readonly id: string
  readonly parent: string | undefined
  /** The function's name; for an append, the subject with its parameters in braces. */
  readonly name: string
  /** The trigger's kind, or `append`. */
  readonly kind: string
  readonly version: string
  /** Start in milliseconds since the epoch, by the clock of its process. */
  readonly at: number
  /** Duration in milliseconds. */
  readonly ms: number
  /** The code it was rejected or failed with. */
  readonly code?: ErrorCode | undefined
  readonly error?: string | undefined
  /** The number of stream messages in the batch it was handled in. */
  readonly batch?: number | undefined
  /** The sequence of the handled or appended message. */
  readonly seq?: number | undefined
  /** The user who called; empty for calls that no user made. */
  readonly caller: string
}

/** A span, and the process that stores it. */
export type CollectedSpan = Span & { process: string }

/** Selects spans: those of some traces, or else the newest. */
export interface SpanQuery {
  /** Trace ids. Returns every stored span of these traces. */
  traces?: readonly string[]
  /** Without `traces`: restricts to calls with a 5xx code, or to calls of 250 ms and more. */
  only?: 'failed' | 'slow'
  /** Without `traces`: spans per process. Default: 100. */
  limit?: number
}

/** A message that a function could not handle. Its payload is not part of this: it may be private. */
export interface DeadLetter {
  /** The sequence in the stream of dead letters. */
  readonly seq: number
  /** The service that failed: `persist-thread`. */
  readonly service: string
  readonly reason: string
  /** The stream that delivered the message. */
  readonly stream: string
  readonly subject: string
  /** The sequence in that stream. */
  readonly sequence: number
  readonly deliveries: number
  /** When it became a dead letter. */
  readonly at: Date
  readonly bytes: number
}
