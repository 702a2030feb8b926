import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import type { Bucket } from '../api/bucket.ts'
import type { Context, FunctionInfo } from '../api/context.ts'
import {
  type BucketDeclaration,
  type Contract,
  defaultTimeoutMs,
  pushHeader,
  type StreamDeclaration,
  type Topic,
} from '../api/contract.ts'
import { FunctionError } from '../api/errors.ts'
import { writeHeaders } from '../api/headers.ts'
import type { PubAck, StreamMessage, StreamPosition } from '../api/stream.ts'
import { overlaps, toServiceName } from '../api/subject.ts'
import type { System } from '../api/system.ts'
import {
  deleteMessage,
  readBounds,
  readConsumerProgress,
  readNext,
  readSequence,
} from '../jetstream/api.ts'
import type { StoredMessage } from '../jetstream/leader-reads.ts'
import { sequencesOf } from '../jetstream/partitions.ts'
import { publishStored } from '../jetstream/publish.ts'
import { propagationHeaders, readTrace, type Trace, traceId } from '../tracing/trace-context.ts'
import type { FunctionHost } from './function-host.ts'

const encoder = new TextEncoder()
const pushMark = writeHeaders({ [pushHeader]: '1' })

/** A message whose headers nats.js parses on first access. */
type WithHeaders = Pick<Msg, 'headers'>

/** The context of one call. To keep calls cheap, it creates most of its parts on first use. */
export class CallContext implements Context {
  readonly caller: string
  readonly #host: FunctionHost
  /** The deadline, by `performance.now()`. */
  readonly #until: number
  readonly #trace: Trace | undefined
  readonly #message: WithHeaders | undefined
  #controller: AbortController | undefined
  #reason: FunctionError | undefined

  constructor(
    host: FunctionHost,
    caller: string,
    until: number,
    traced: Trace | undefined,
    message?: WithHeaders,
  ) {
    this.#host = host
    this.caller = caller
    this.#until = until
    this.#trace = traced
    this.#message = message
  }

  get streamPosition(): StreamPosition | undefined {
    return this.#message && readStreamPosition(this.#message)
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason && !this.#controller.signal.aborted) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  get deadline(): number {
    return performance.timeOrigin + this.#until
  }

  get log(): Logger {
    const trace = traceId(this.#trace)
    return trace ? this.#host.log.child({ trace }) : this.#host.log
  }

  get env(): unknown {
    return this.#host.env
  }

  get functions(): readonly FunctionInfo[] {
    return this.#host.backbone.functions
  }

  get system(): System {
    return this.#host.backbone.system
  }

  abort(reason: FunctionError): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }

  // The methods below are getters that return bound functions, so that handlers can destructure the
  // context.
  get publish() {
    return (topic: Topic, data: unknown) => this.#publish(topic, data)
  }

  get publishEach() {
    return (topic: Topic, name: string, values: readonly unknown[], data: object) =>
      this.#publishEach(topic, name, values, data)
  }

  get append() {
    return (topic: Topic, data: unknown, options?: { id?: string }) =>
      this.#append(topic, data, options)
  }

  get read() {
    return (stream: StreamDeclaration, topic: Topic, seq: number) => this.#read(stream, topic, seq)
  }

  get readAfter() {
    return (
      stream: StreamDeclaration,
      topics: readonly Topic[],
      params: Readonly<Record<string, string>>,
      since: number,
      limit: number,
    ) => this.#readAfter(stream, topics, params, since, limit)
  }

  get purgeMessage() {
    return async (stream: StreamDeclaration, seq: number) => {
      const { requester, partitions } = this.#host.backbone
      const partition = partitions.streamWith(stream, seq)
      return partition ? deleteMessage(requester, partition.stream, seq) : false
    }
  }

  get consumerProgress() {
    return async (declaration: StreamDeclaration, name: string) => {
      const { requester, partitions } = this.#host.backbone
      const { stream } = partitions.streamOf(declaration, everySubject(declaration))
      return readConsumerProgress(requester, stream, toServiceName(name))
    }
  }

  get partitions() {
    return (
      stream: StreamDeclaration,
      topic?: Topic,
      params: Readonly<Record<string, string>> = {},
    ): readonly StreamDeclaration[] => {
      const pattern = topic ? this.#host.subject(topic).narrow(params) : everySubject(stream)
      return this.#host.backbone.partitions.matching(stream, pattern)
    }
  }

  get kv() {
    return (bucket: BucketDeclaration) => this.#host.bucket(bucket) as Bucket<never>
  }

  get call() {
    return (contract: Contract, input: unknown) => this.#call(contract, input)
  }

  #publish(topic: Topic, data: unknown): void {
    const { subject, payload } = this.#host.write(topic, data)
    const hdrs = this.#headersOf(topic)
    this.#host.backbone.nc.publish(subject, payload, hdrs && { headers: hdrs })
  }

  #publishEach(topic: Topic, name: string, values: readonly unknown[], data: object): void {
    if (values.length === 0) return
    const { payload } = this.#host.write(topic, { ...data, [name]: values[0] })
    const bytes = encoder.encode(payload)
    const hdrs = this.#headersOf(topic)
    const subject = this.#host.subject(topic)
    for (const value of values)
      this.#host.backbone.nc.publish(
        subject.fill({ ...data, [name]: value }),
        bytes,
        hdrs && { headers: hdrs },
      )
  }

  #headersOf(topic: Topic): MsgHdrs | undefined {
    const hdrs = propagationHeaders(this.#trace)
    if (!topic.push) return hdrs
    hdrs?.set(pushHeader, '1')
    return hdrs ?? pushMark
  }

  async #append(topic: Topic, data: unknown, options: { id?: string } = {}): Promise<PubAck> {
    const { subject, payload } = this.#host.write(topic, data)
    let hdrs = propagationHeaders(this.#trace)
    if (options.id !== undefined) {
      hdrs?.set('Nats-Msg-Id', options.id)
      hdrs ??= writeHeaders({ 'Nats-Msg-Id': options.id })
    }
    const startedAt = performance.now()
    const { requester, partitions } = this.#host.backbone
    const route = partitions.route(subject)
    const ack = await publishStored(requester, route.subject, payload, {
      headers: hdrs,
      hasId: options.id !== undefined,
      stream: route.name,
    })
    if (!ack)
      throw new FunctionError(
        'conflict',
        `${subject} was not stored: its last sequence has changed`,
      )
    const part = this.#trace?.part
    if (part) this.#host.spans.recordAppend(topic.subject, ack.seq, startedAt, part)
    return ack
  }

  async #read(
    stream: StreamDeclaration,
    topic: Topic,
    seq: number,
  ): Promise<StreamMessage<never> | undefined> {
    const { requester, partitions } = this.#host.backbone
    const partition = partitions.streamWith(stream, seq)
    const stored = partition && (await readSequence(requester, partition.stream, seq))
    if (!stored || !overlaps(this.#host.subject(topic).pattern, stored.subject)) return undefined
    const data = this.#host.read(topic, stored.subject, () => stored.message.json())
    const trace = readTrace(stored.message.headers)?.traceId
    return { data: data as never, seq: stored.seq, at: stored.at, ...(trace ? { trace } : {}) }
  }

  async #readAfter(
    declaration: StreamDeclaration,
    topics: readonly Topic[],
    params: Readonly<Record<string, string>>,
    after: number,
    limit: number,
  ): Promise<StreamMessage<never>[] | undefined> {
    const { requester, partitions } = this.#host.backbone
    const patterns = topics.map((topic) => this.#host.subject(topic).narrow(params))
    const [partition, ...others] = new Set(
      patterns.map((pattern) => partitions.streamOf(declaration, pattern)),
    )
    if (!partition) return []
    if (others.length > 0)
      throw new TypeError(
        `${patterns} match messages of several partitions of ${declaration.stream}`,
      )
    const { stream } = partition
    const since = after === 0 ? sequencesOf(partition).from - 1 : after
    const { first, last } = await readBounds(requester, stream)
    if (since + 1 < first || since > last) return undefined
    const batches = await Promise.all(
      topics.map(async (topic) => {
        const next_by_subj = this.#host.subject(topic).narrow(params)
        const query = { seq: since + 1, next_by_subj, batch: limit + 1 }
        const { messages: stored, pending } = await readNext(requester, stream, query)
        return { topic, stored, pending }
      }),
    )
    const messages = batches.flatMap(({ topic, stored }) =>
      stored
        // Each topic is read separately. If messages are stored during these reads, one read may
        // miss a message, while another read finds a later one. So all messages after `last`, which
        // was the end of the stream before the reads, are left out.
        .filter(({ seq }) => seq <= last)
        .flatMap((message) => this.#readValid(topic, message)),
    )
    if (messages.length > limit || batches.some(({ pending }) => pending > 0)) return undefined
    return messages.sort((a, b) => a.seq - b.seq)
  }

  /**
   * Returns the message in an array, which is empty if the data of the message is invalid. So
   * `readAfter` skips such a message. It is not lost: a stream function that receives it makes it a
   * dead letter.
   */
  #readValid(topic: Topic, { subject, message, seq, at }: StoredMessage): StreamMessage<never>[] {
    try {
      const data = this.#host.read(topic, subject, () => message.json())
      return [{ data: data as never, seq, at }]
    } catch (error) {
      if (error instanceof FunctionError && error.code === 'invalid') return []
      throw error
    }
  }

  async #call(contract: Contract, input: unknown): Promise<never> {
    const remainingMs = this.#until - performance.now()
    if (remainingMs <= 0)
      throw new FunctionError(
        'timeout',
        `The deadline passed before the call of ${contract.subject}`,
      )
    return (await this.#host.caller(contract).ask(input as object, {
      timeoutMs: Math.min(remainingMs, contract.timeoutMs ?? defaultTimeoutMs),
      headers: propagationHeaders(this.#trace),
    })) as never
  }
}

/**
 * Returns the first subject pattern of the stream. Messages that match it can be in any partition.
 */
function everySubject({ subjects: [first = '>'] }: StreamDeclaration): string {
  return first
}

function readStreamPosition(message: WithHeaders): StreamPosition | undefined {
  try {
    const seq = Number(message.headers?.get('Nats-Sequence') ?? 0)
    const prev = Number(message.headers?.get('Nats-Last-Sequence') ?? 0)
    return seq > 0 ? { seq, prev } : undefined
  } catch {
    // A stream that republishes a message writes valid headers. With malformed headers, the message
    // is not a republished one, so it has no position.
    return undefined
  }
}
