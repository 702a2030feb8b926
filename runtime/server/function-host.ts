import type { AsyncResource } from 'node:async_hooks'
import type { Logger } from 'pino'
import type { Bucket } from '../api/bucket.ts'
import type { BucketDeclaration, Contract, Topic } from '../api/contract.ts'
import { FunctionError } from '../api/errors.ts'
import { parseSubject, type Subject } from '../api/subject.ts'
import { describeIssues, validateSync } from '../api/validate.ts'
import { type ContractCaller, createContractCaller } from '../client/client.ts'
import { openBucket } from '../jetstream/kv.ts'
import type { Limiter } from '../rate-limit/limiter.ts'
import { SpanRecorder } from '../tracing/span-store.ts'
import type { Backbone } from './backbone.ts'
import { createFunctionScope } from './faults.ts'
import type { LoadedFunction } from './load.ts'

export class FunctionHost {
  readonly loaded: LoadedFunction
  readonly backbone: Backbone
  readonly env: unknown
  readonly log: Logger
  readonly limiter: Limiter | undefined
  readonly spans: SpanRecorder
  readonly #scope: AsyncResource
  readonly #subjects = new WeakMap<Topic, Subject>()
  readonly #buckets = new WeakMap<BucketDeclaration, Bucket<unknown>>()
  readonly #callers = new WeakMap<Contract, ContractCaller>()

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
    const { name, version, trigger: kind } = loaded
    this.#scope = createFunctionScope(name)
    this.spans = new SpanRecorder(backbone.spans, { name, version, kind })
  }

  run<Args extends unknown[], Result>(work: (...args: Args) => Result, ...args: Args): Result {
    return this.#scope.runInAsyncScope(work, undefined, ...args)
  }

  subject(topic: Topic): Subject {
    return getOrCreate(this.#subjects, topic, () => parseSubject(topic.subject))
  }

  bucket(declaration: BucketDeclaration): Bucket<unknown> {
    return getOrCreate(this.#buckets, declaration, () => {
      const { definition, name } = this.loaded
      if (!definition.options.resources?.includes(declaration))
        throw new TypeError(`${name} does not declare ${declaration.bucket} in its "resources"`)
      return openBucket(this.backbone, declaration)
    })
  }

  caller(contract: Contract): ContractCaller {
    const { audience, subject } = contract
    if (!audience.includes('functions'))
      throw new TypeError(
        `${this.loaded.name} may not call ${subject}, whose audience is ${audience.join(', ')}: only ` +
          'users may. Share the code of its handler, or add a contract for functions',
      )
    return getOrCreate(this.#callers, contract, () =>
      createContractCaller(this.backbone.requester, contract),
    )
  }

  write(topic: Topic, data: unknown) {
    const checked = validateSync(topic.data, data)
    if (checked.issues) throw new TypeError(`${topic.subject}: ${describeIssues(checked.issues)}`)
    const subject = this.subject(topic)
    const values = checked.value as Record<string, unknown>
    return { subject: subject.fill(values), payload: JSON.stringify(subject.rest(values)) }
  }

  read(topic: Topic, subject: string, json: () => unknown): unknown {
    const data = { ...readObject({ json }), ...this.subject(topic).read(subject) }
    const { issues, value } = validateSync(topic.data, data)
    if (!issues) return value
    throw new FunctionError('invalid', `${subject}: ${describeIssues(issues)}`, { details: issues })
  }
}

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

function kindOf(value: unknown) {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

function getOrCreate<Key extends object, Value>(
  cache: WeakMap<Key, Value>,
  key: Key,
  create: () => Value,
): Value {
  const cached = cache.get(key)
  if (cached !== undefined) return cached
  const created = create()
  cache.set(key, created)
  return created
}
