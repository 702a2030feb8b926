import type { ErrorCode } from './errors.ts'

/**
 * Shows the state of all processes and connections of the system, replays dead letters, and closes
 * connections. Used by functions that operators call.
 */
export interface System {
  /**
   * Returns the micro services that answer a request to `$SRV`. Waits for replies until none has
   * arrived for 150 ms, but for at most one second.
   */
  services(): Promise<Service[]>
  /**
   * Exports finished spans of a client to the OpenTelemetry collector, as spans of `service`, and
   * returns true. Returns false if this process exports no spans. The caller must check and limit
   * the spans first, because a client can send invented ones.
   */
  exportSpans(service: string, spans: readonly ClientSpan[]): boolean
  /**
   * Returns the spans that match the query, from all processes, unordered. Each process stores up
   * to 10,000 spans.
   */
  spans(query: SpanQuery): Promise<CollectedSpan[]>
  /** Returns up to `limit` dead letters whose sequence is greater than `after`, oldest first. */
  deadLetters(page: {
    after: number
    limit: number
  }): Promise<{ letters: DeadLetter[]; total: number; hasMore: boolean }>
  /**
   * Passes the original message once more to the function that failed, and deletes the dead letter on
   * success. Returns false if the dead letter does not exist. Throws `conflict` with the reason if the
   * function fails again. Throws `unavailable` if no instance serves the function, or if a dependency
   * of the function is unavailable.
   */
  replay(seq: number): Promise<boolean>
  /** Deletes a dead letter. Returns false if the dead letter does not exist. */
  discard(seq: number): Promise<boolean>
  /**
   * Returns the connections of a user of the account CLIENTS on all servers, oldest first. Works
   * only if nats.conf imports the subject `connection.list` from the system account.
   */
  connections(user: string): Promise<ClientConnection[]>
  /**
   * Returns the label of each of the user's `connections`, in their order. The function that served
   * the login has chosen the label (`AuthGrant.label`), and only its process stores it, so this
   * asks all processes. A label is undefined if no process knows it. It is also undefined if the
   * client logged in again on the same connection, and two processes therefore know different
   * labels.
   */
  connectionLabels(
    user: string,
    connections: readonly ClientConnection[],
  ): Promise<(string | undefined)[]>
  /** Returns the ids of the servers that respond within a second. */
  servers(): Promise<string[]>
  /**
   * Returns the connections of all users of the account CLIENTS, by the id of their server. A
   * server that does not respond in time is missing. Works only if nats.conf imports the subject
   * `connection.list` from the system account. Expensive: each server lists all its connections.
   */
  allConnections(): Promise<Map<string, NamedConnection[]>>
  /** Closes a connection of a user. Throws if its server does not answer within two seconds. */
  disconnect(connection: ClientConnection): Promise<void>
}

export interface ClientConnection {
  readonly server: string
  readonly id: number
  readonly openedAt: Date
}

/** A connection with its user. `name` is the name that the client gave when it connected. */
export interface NamedConnection {
  readonly server: string
  readonly id: number
  readonly user: string
  readonly name: string
}

/** Counters of an endpoint since the start of its process, and durations in milliseconds. */
export interface EndpointStats {
  requests: number
  errors: number
  processingMs: number
  averageMs: number
  /** Only functions report `inFlight` and the fields below it; for other services they are undefined. */
  inFlight?: number | undefined
  queued?: number | undefined
  /** Number of calls rejected with `overloaded`. */
  shed?: number | undefined
  p50Ms?: number | undefined
  p95Ms?: number | undefined
  p99Ms?: number | undefined
  /**
   * Percentiles of the calls of the last 10 to 20 seconds, if the statistics are read every 10
   * seconds. If they are read less often, the period is longer.
   */
  recentP50Ms?: number | undefined
  recentP99Ms?: number | undefined
}

/** A function, or another micro service. Its counters are the sums over all its instances. */
export interface Service extends EndpointStats {
  /** The function's name (`room.join`); for another service, the service's name. */
  name: string
  service: string
  description: string
  versions: string[]
  /** Empty for a service that is not a function. */
  trigger: string
  subject: string
  queue: string
  audience: string[]
  lastError: string
  /**
   * When the newest instance started. The sums also include calls that older instances served
   * before that time.
   */
  since: string
  instances: ServiceInstance[]
}

/** One process of a service. */
export interface ServiceInstance extends EndpointStats {
  id: string
  started: string
  lastError: string
  version: string
  /** The process that runs this instance: `host:pid`. */
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
  /** Start of the step in milliseconds since the epoch, by the clock of the process that ran it. */
  readonly at: number
  readonly ms: number
  readonly code?: ErrorCode | undefined
  readonly error?: string | undefined
  readonly batch?: number | undefined
  /** The stream sequence of the message that the step handled or appended. */
  readonly seq?: number | undefined
  /** The id of the user who called; empty for calls that no user made. */
  readonly caller: string
}

/** A span, and the process (`host:pid`) that stores it. */
export type CollectedSpan = Span & { process: string }

/**
 * A finished call of a client, as the client reports it. `trace` and `id` are the trace id and the
 * span id that the client sent in the header `traceparent` of the call.
 */
export interface ClientSpan {
  /** 32 lower-case hexadecimal digits. */
  readonly trace: string
  /** 16 lower-case hexadecimal digits. */
  readonly id: string
  readonly name: string
  /** Start of the call in milliseconds since the epoch, by the clock of the client. */
  readonly at: number
  readonly ms: number
  /** The error code of a failed call. */
  readonly code?: string | undefined
}

/** Selects spans: all spans of the given traces, or without `traces`, the newest spans. */
export interface SpanQuery {
  traces?: readonly string[]
  /**
   * Ignored if `traces` is given. `failed` selects calls with a 5xx code, `slow` selects calls that
   * took 250 ms or more.
   */
  only?: 'failed' | 'slow'
  /** Ignored if `traces` is given. The maximum number of spans from each process. Default: 100. */
  limit?: number
}

/** A message that a function could not handle. Omits the payload, because it may be private. */
export interface DeadLetter {
  /** The dead letter's sequence in the stream DEAD_LETTERS. */
  readonly seq: number
  /** The service name of the function that failed: `persist-thread`. */
  readonly service: string
  readonly reason: string
  readonly stream: string
  readonly subject: string
  /** The message's sequence in `stream`. */
  readonly sequence: number
  readonly deliveries: number
  /** When the message became a dead letter. */
  readonly at: Date
  readonly bytes: number
}
