import { inspect } from 'node:util'
import * as v from 'valibot'
import {
  type Contract,
  maxTimeoutMs,
  type Schema,
  type StreamDeclaration,
  type Topic,
} from '../api/contract.ts'
import { type FunctionDefinition, maxLimitWindowMs } from '../api/define.ts'
import { errorStatus } from '../api/errors.ts'
import { unknownName } from '../api/options.ts'
import { callerParam, overlaps, parseSubject } from '../api/subject.ts'
import type { Trigger } from '../api/trigger.ts'
import { partitioningProblem } from '../jetstream/partitions.ts'
import { streamConfigFields } from '../jetstream/stream-fields.ts'
import { maxWebhookMs } from './webhooks.ts'

export interface DefinitionProblem {
  part: string
  reason: string
}

export function findDefinitionProblems(definition: FunctionDefinition): DefinitionProblem[] {
  const { contract, trigger, options, handle } = definition
  const problems = [
    ...problemsOf(Options, options),
    ...(contract ? contractProblems(contract) : []),
    ...(trigger ? triggerProblems(trigger) : []),
    ...unusedOptions(definition),
  ]
  if (typeof handle !== 'function')
    problems.push({ part: 'handler', reason: 'the handler is not a function' })
  return problems
}

const show = (value: unknown) =>
  typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 0 })
const isWhole = (value: unknown, min: number, max: number) =>
  Number.isInteger(value) && Number(value) >= min && Number(value) <= max
const whole = (min: number, max: number) =>
  v.custom<number>(
    (value) => isWhole(value, min, max),
    ({ input }) => `${show(input)} is not a whole number from ${min} to ${max}`,
  )
const matching = (pattern: RegExp, expected: string) =>
  v.custom<string>(
    (value) => typeof value === 'string' && pattern.test(value),
    ({ input }) => `${show(input)} is not ${expected}`,
  )
const oneOf = (values: readonly unknown[]) =>
  v.custom<unknown>(
    (value) => values.includes(value),
    ({ input }) => `${show(input)} is not one of ${values.join(', ')}`,
  )

function strict(entries: v.ObjectEntries, kind = 'option') {
  const object = v.looseObject(entries, ({ expected, received }) =>
    expected?.startsWith('"') ? 'it is missing' : `it is ${received}, not an object`,
  )
  const names = Object.keys(entries)
  return v.pipe(
    object,
    v.rawCheck(({ dataset, addIssue }) => {
      const input = Object(dataset.value) as Record<string, unknown>
      for (const key of Object.keys(input).filter((name) => !names.includes(name)))
        addIssue({
          message: unknownName(kind, key, names),
          path: [{ type: 'object', origin: 'key', input, key, value: input[key] }],
        })
    }),
  )
}

const AnyValue = v.optional(v.unknown())
const AnyFunction = v.custom((value) => typeof value === 'function', 'it is not a function')
const StandardSchema = v.custom<Schema>(
  (value) => typeof Object(value)['~standard']?.validate === 'function',
  'it is not a schema: use valibot, zod or another library with Standard Schema',
)
const Queue = matching(/^[\w-]+$/, 'a queue group: use letters, digits, _ and -')
const SubjectPattern = matching(
  /^((\*|[^\s.*>]+)(\.(\*|[^\s.*>]+))*(\.>)?|>)$/,
  'a subject pattern, such as orders.*.placed or orders.>',
)
const SubjectTemplate = v.custom<string>(
  (value) => templateProblem(value) === undefined,
  ({ input }) => templateProblem(input) ?? '',
)

const StreamShape = strict({
  stream: matching(/^[^\s.*>/\\]+$/, 'a stream name: use letters, digits, _ and -'),
  subjects: v.pipe(
    v.array(SubjectPattern, 'it is not a list of subjects'),
    v.minLength(1, 'it is empty'),
  ),
  partitioned: v.optional(oneOf([true, false])),
  config: v.optional(
    strict(
      Object.fromEntries(Object.keys(streamConfigFields).map((name) => [name, AnyValue])),
      'field',
    ),
  ),
})
const Stream = v.pipe(
  StreamShape,
  v.check(
    (stream) => dividingProblem(stream) === undefined,
    ({ input }) => dividingProblem(input) ?? '',
  ),
)
function dividingProblem(stream: unknown) {
  const { partitioned, subjects } = stream as StreamDeclaration
  return partitioned ? partitioningProblem(subjects) : undefined
}

const Bucket = strict({
  bucket: matching(/^[\w-]+$/, 'a bucket name: use letters, digits, _ and -'),
  value: StandardSchema,
  partitioned: v.optional(oneOf([true, false])),
  // nats-server requires at least 100 ms for the TTL of a bucket, and at least 1 s for the TTL of a
  // marker.
  ttlMs: v.optional(whole(100, Number.MAX_SAFE_INTEGER / 1e6)),
  entryTtl: v.optional(v.boolean()),
  maxBytes: v.optional(whole(1_024, Number.MAX_SAFE_INTEGER)),
  markerTtlMs: v.optional(whole(1_000, Number.MAX_SAFE_INTEGER / 1e6)),
  storage: v.optional(oneOf(['file', 'memory'])),
  history: v.optional(whole(1, 64)),
})
const TopicShape = strict({
  subject: SubjectTemplate,
  data: StandardSchema,
  push: v.optional(oneOf([true, false])),
})

const semver = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/
const Options = strict({
  version: v.optional(matching(semver, 'a semantic version: use a form like 1.0.0')),
  queue: v.optional(Queue),
  concurrency: v.optional(whole(1, 100_000)),
  maxQueued: v.optional(whole(0, 1_000_000)),
  perCaller: v.optional(
    strict({
      concurrency: v.optional(whole(1, 100_000)),
      maxQueued: v.optional(whole(0, 1_000_000)),
    }),
  ),
  limit: v.optional(
    strict({
      max: whole(1, 1_000_000_000),
      windowMs: v.custom<number>(
        (value) => isWhole(Number(value) / 1_000, 1, maxLimitWindowMs / 1_000),
        ({ input }) =>
          `${show(input)} is not a multiple of 1000 milliseconds from 1000 to ${maxLimitWindowMs}`,
      ),
    }),
  ),
  prefetch: v.optional(AnyFunction),
  env: v.optional(StandardSchema),
  beforeServe: v.optional(AnyFunction),
  onRejected: v.optional(AnyFunction),
  webhook: v.optional(matching(/^(\/[a-z0-9][a-z0-9._-]*)+$/, 'a path, such as /orders/paid')),
  resources: v.optional(
    v.array(
      v.lazy((value) => ('stream' in Object(value) ? Stream : Bucket)),
      'it is not a list of streams and buckets',
    ),
  ),
})
const ContractShape = strict({
  subject: SubjectTemplate,
  input: StandardSchema,
  output: StandardSchema,
  chunk: v.optional(StandardSchema),
  audience: v.pipe(
    v.array(
      matching(/^[^\s,]+( [^\s,]+)*$/, 'a role, everyone or functions'),
      "it is missing: use ['everyone'], roles, or ['functions']",
    ),
    v.minLength(1, "the audience is empty: use ['everyone'], roles, or ['functions']"),
    v.check(
      (audience) => audience.length === 1 || !audience.includes('functions'),
      'functions cannot be combined with users: use two functions',
    ),
  ),
  description: v.optional(matching(/^[^\p{Cc}]+$/u, 'one line of text')),
  errors: v.optional(v.array(oneOf(Object.keys(errorStatus)))),
  timeoutMs: v.optional(whole(1, maxTimeoutMs)),
  // The highest `max_payload` that the configuration of nats-server allows.
  maxBytes: v.optional(whole(1, 64 * 1_024 * 1_024)),
})

function contractProblems(contract: Contract): DefinitionProblem[] {
  const problems = problemsOf(ContractShape, contract)
  if (problems.length > 0 || !contract.audience.includes('functions')) return problems
  const { params, template } = parseSubject(contract.subject)
  // Users send requests on subjects that contain `{caller}` or begin with `as.`. A function must
  // not serve such a subject if only functions may call it.
  if (params.includes(callerParam) || /^as(\.|$)/.test(template))
    return [
      {
        part: 'audience',
        reason: `functions call ${template} without a user: remove {caller} and as. from the subject`,
      },
    ]
  return problems
}

function triggerProblems(trigger: Trigger): DefinitionProblem[] {
  switch (trigger.kind) {
    case 'event':
      return [
        ...problemsOf(TopicShape, trigger.topic, 'topic'),
        ...problemsOf(v.optional(Queue), trigger.queue, 'queue'),
      ]
    case 'stream': {
      const { stream, topic } = trigger
      const problems = [
        ...problemsOf(Stream, stream, 'stream'),
        ...problemsOf(TopicShape, topic, 'topic'),
      ]
      return problems.length > 0 ? problems : filterProblems(stream, topic)
    }
    case 'kv':
      return [
        ...problemsOf(Bucket, trigger.bucket, 'bucket'),
        ...problemsOf(SubjectPattern, trigger.keys, 'keys'),
      ]
    case 'schedule':
    case 'callout':
      return []
    default: {
      const { kind } = trigger as { kind: unknown }
      return [{ part: 'kind', reason: `${show(kind)} is not a trigger: use event, stream, …` }]
    }
  }
}

function filterProblems(
  { stream, subjects }: { stream: string; subjects: readonly string[] },
  topic: Topic,
) {
  const { pattern, template } = parseSubject(topic.subject)
  if (subjects.some((subject) => overlaps(subject, pattern))) return []
  const reason = `the stream ${stream} captures ${subjects.join(' and ')}, never ${template}`
  return [{ part: 'topic', reason }]
}

function unusedOptions({ contract, trigger, options }: FunctionDefinition): DefinitionProblem[] {
  const problems: DefinitionProblem[] = []
  const add = (part: string, reason: string) => problems.push({ part, reason })
  if (trigger) {
    for (const part of ['limit', 'prefetch', 'onRejected', 'webhook'] as const)
      if (options[part] !== undefined) add(part, 'it has an effect only with a contract')
    if (trigger.kind === 'event' && options.queue !== undefined)
      add('queue', 'it has no effect here: write event(topic, { queue })')
  }
  if (contract?.audience?.includes('functions') && options.limit !== undefined)
    add('limit', 'it has no effect, because only users are limited, and functions call this one')
  if (contract && options.webhook !== undefined) {
    if (!contract.audience?.includes('functions'))
      add('webhook', "it needs the audience ['functions']: a request over HTTP has no user")
    if (String(contract.subject).includes('{'))
      add('webhook', `it needs a subject without parameters, not ${contract.subject}`)
    if ((contract.timeoutMs ?? 0) >= maxWebhookMs)
      add('webhook', `it needs a timeoutMs below ${maxWebhookMs}, not ${contract.timeoutMs}`)
  }
  if (contract && options.prefetch !== undefined && options.limit === undefined)
    add('prefetch', 'it has no effect without limit')
  return problems
}

function problemsOf(schema: v.GenericSchema, value: unknown, at = ''): DefinitionProblem[] {
  const { issues = [] } = v.safeParse(schema, value)
  return issues.map(({ path = [], message }) => ({
    part: [at, ...path.map(({ key }) => String(key))].filter(Boolean).join('.'),
    reason: message,
  }))
}

function templateProblem(template: unknown): string | undefined {
  if (typeof template !== 'string') return `${show(template)} is not a subject`
  try {
    parseSubject(template)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
