import type { JetStreamClient } from '@nats-io/jetstream'
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import { openBucket } from './bucket.ts'
import { type Ask, createAsk } from './client/client.ts'
import type { Requester } from './client/requester.ts'
import {
  type BucketDeclaration,
  type Contract,
  defaultTimeoutMs,
  pushHeader,
  type StreamDeclaration,
  type Topic,
} from './contract.ts'
import type { Appended, Bucket, Context, FunctionInfo, Stored, StoredPlace } from './define.ts'
import { FunctionError } from './error.ts'
import { eraseSequence, publishStored, readBatch, readBounds, readSequence } from './jetstream.ts'
import type { Limiter } from './limit/limiter.ts'
import type { LoadedFunction } from './load.ts'
import { overlaps, parseSubject, type Subject } from './subject.ts'
import { type Trace, traceHeaders, traceId } from './trace.ts'
import { describeIssues, validateSync } from './validate.ts'

const encoder = new TextEncoder()

/** What all functions of a process share: one connection, one inbox. */
export interface Backbone {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly requester: Requester
  readonly functions: readonly FunctionInfo[]
}

/** What all calls of a function share. */
export class FunctionHost {
  readonly loaded: LoadedFunction
  readonly backbone: Backbone
  readonly env: unknown
  readonly log: Logger
  /** Set for a function that says how often one caller may ask. */
  readonly limiter: Limiter | undefined
  readonly #subjects = new WeakMap<Topic, Subject>()
  readonly #buckets = new WeakMap<BucketDeclaration, Bucket<unknown>>()
  readonly #asks = new WeakMap<Contract, Ask>()

  constructor(
    loaded: LoadedFunction,
    backbone: Backbone,
    env: unknown,
    log: Logger,
    limiter?: Limiter,
  ) {
    this.loaded = loaded
    this.backbone = backbone
    this.env = env
    this.log = log
    this.limiter = limiter
  }

  subject(topic: Topic): Subject {
    return remember(this.#subjects, topic, () => parseSubject(topic.subject))
  }

  bucket(declaration: BucketDeclaration): Bucket<unknown> {
    return remember(this.#buckets, declaration, () => {
      const { definition, name } = this.loaded
      if (!definition.options.uses?.includes(declaration))
        throw new TypeError(`${name} does not declare ${declaration.bucket} in its "uses"`)
      return openBucket(this.backbone.requester, this.backbone.js, declaration)
    })
  }

  ask(contract: Contract): Ask {
    return remember(this.#asks, contract, () => createAsk(this.backbone.requester, contract))
  }

  /** A topic's data as subject and payload. Throws a TypeError for data that does not fit. */
  write(topic: Topic, data: unknown) {
    const checked = validateSync(topic.data, data)
    if (checked.issues) throw new TypeError(`${topic.subject}: ${describeIssues(checked.issues)}`)
    const subject = this.subject(topic)
    const values = checked.value as Record<string, unknown>
    return { subject: subject.fill(values), payload: JSON.stringify(subject.rest(values)) }
  }

  /** A topic's data out of a message. Throws `invalid` for what is not JSON or does not fit. */
  read(topic: Topic, subject: string, json: () => unknown): unknown {
    const data = { ...readObject({ json }), ...this.subject(topic).read(subject) }
    const { issues, value } = validateSync(topic.data, data)
    if (!issues) return value
    throw new FunctionError('invalid', `${subject}: ${describeIssues(issues)}`, { details: issues })
  }
}

/** What one call of a function meets. Made for each, so whatever costs is made when it is used. */
export class CallContext implements Context {
  readonly caller: string
  readonly #host: FunctionHost
  readonly #until: number
  readonly #trace: Trace | undefined
  readonly #headers: MsgHdrs | undefined
  #controller: AbortController | undefined
  #reason: FunctionError | undefined

  constructor(
    host: FunctionHost,
    caller: string,
    until: number,
    traced: Trace | undefined,
    headers?: MsgHdrs,
  ) {
    this.#host = host
    this.caller = caller
    this.#until = until
    this.#trace = traced
    this.#headers = headers
  }

  get stored(): StoredPlace | undefined {
    return readPlace(this.#headers)
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

  abort(reason: FunctionError): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }

  // Getters, so that a handler may take what it needs out of its context: `{ caller, publish }`.
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

  get erase() {
    return (stream: StreamDeclaration, seq: number) =>
      eraseSequence(this.#host.backbone.requester, stream.stream, seq)
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

  /** What is the same for all is checked and written once. */
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
    const hdrs = traceHeaders(this.#trace)
    if (!topic.push) return hdrs
    const marked = hdrs ?? headers()
    marked.set(pushHeader, '1')
    return marked
  }

  async #append(topic: Topic, data: unknown, options: { id?: string } = {}): Promise<Appended> {
    const { subject, payload } = this.#host.write(topic, data)
    let hdrs = traceHeaders(this.#trace)
    if (options.id !== undefined) {
      hdrs ??= headers()
      hdrs.set('Nats-Msg-Id', options.id)
    }
    const ack = await publishStored(this.#host.backbone.requester, subject, payload, {
      headers: hdrs,
    })
    if (!ack) throw new FunctionError('conflict', `${subject} has moved on`)
    return ack
  }

  async #read(
    stream: StreamDeclaration,
    topic: Topic,
    seq: number,
  ): Promise<Stored<never> | undefined> {
    const stored = await readSequence(this.#host.backbone.requester, stream.stream, seq)
    if (!stored || !overlaps(this.#host.subject(topic).pattern, stored.subject)) return undefined
    const data = this.#host.read(topic, stored.subject, () => stored.message.json())
    return { data: data as never, seq: stored.seq, at: stored.at }
  }

  async #readAfter(
    { stream }: StreamDeclaration,
    topics: readonly Topic[],
    params: Readonly<Record<string, string>>,
    since: number,
    limit: number,
  ): Promise<Stored<never>[] | undefined> {
    const { requester } = this.#host.backbone
    const { first, last } = await readBounds(requester, stream)
    if (since + 1 < first || since > last) return undefined
    const batches = await Promise.all(
      topics.map(async (topic) => {
        const next_by_subj = this.#host.subject(topic).narrow(params)
        const query = { seq: since + 1, next_by_subj, batch: limit + 1 }
        return { topic, ...(await readBatch(requester, stream, query)) }
      }),
    )
    const found = batches.flatMap(({ topic, messages }) =>
      messages
        // What came while we read may be in one batch and not yet in another.
        .filter(({ seq }) => seq <= last)
        .map(({ subject, message, seq, at }) => {
          const data = this.#host.read(topic, subject, () => message.json())
          return { data: data as never, seq, at }
        }),
    )
    if (found.length > limit || batches.some(({ pending }) => pending > 0)) return undefined
    return found.sort((a, b) => a.seq - b.seq)
  }

  async #call(contract: Contract, input: unknown): Promise<never> {
    const left = this.#until - performance.now()
    if (left <= 0) throw new FunctionError('timeout', 'No time is left to ask another function')
    return (await this.#host.ask(contract).ask(input as object, {
      timeoutMs: Math.min(left, contract.timeoutMs ?? defaultTimeoutMs),
      headers: traceHeaders(this.#trace),
    })) as never
  }
}

/** A payload as an object: empty is `{}`. Throws `invalid` for anything else. */
export function readObject(message: { json(): unknown }): Record<string, unknown> {
  let value: unknown
  try {
    value = message.json()
  } catch (error) {
    throw new FunctionError('invalid', `The payload is not JSON: ${(error as Error).message}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new FunctionError('invalid', `The payload must be a JSON object, not ${kindOf(value)}`)
}

/** What the server says of a message that a stream republishes. */
function readPlace(hdrs: MsgHdrs | undefined): StoredPlace | undefined {
  const seq = Number(hdrs?.get('Nats-Sequence') ?? 0)
  return seq > 0 ? { seq, prev: Number(hdrs?.get('Nats-Last-Sequence') ?? 0) } : undefined
}

function kindOf(value: unknown) {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

function remember<Key extends object, Value>(
  known: WeakMap<Key, Value>,
  key: Key,
  make: () => Value,
): Value {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = make()
  known.set(key, made)
  return made
}
