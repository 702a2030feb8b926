import type { Msg, NatsConnection } from '@nats-io/nats-core'
import * as v from 'valibot'
import { gather } from '../nats/gather.ts'

export const isName = (text: string) => /^[A-Za-z0-9_-]+$/.test(text)
const Name = v.pipe(v.string(), v.check(isName, 'not only letters, digits, _ and -'))
const Version = v.pipe(
  v.string(),
  v.regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, 'not a semantic version'),
)
const Metadata = v.nullish(v.record(v.string(), v.string()))
const Count = v.pipe(v.number(), v.integer(), v.minValue(0))

const identity = {
  name: Name,
  id: v.pipe(v.string(), v.minLength(1)),
  version: Version,
  metadata: Metadata,
}
const endpoint = { name: Name, subject: v.string(), queue_group: v.nullish(v.string()) }

const schemas = {
  PING: v.looseObject({ type: v.literal('io.nats.micro.v1.ping_response'), ...identity }),
  INFO: v.looseObject({
    type: v.literal('io.nats.micro.v1.info_response'),
    ...identity,
    description: v.nullish(v.string()),
    endpoints: v.nullish(v.array(v.looseObject({ ...endpoint, metadata: Metadata }))),
  }),
  STATS: v.looseObject({
    type: v.literal('io.nats.micro.v1.stats_response'),
    ...identity,
    started: v.string(),
    endpoints: v.nullish(
      v.array(
        v.looseObject({
          ...endpoint,
          num_requests: Count,
          num_errors: Count,
          last_error: v.nullish(v.string()),
          processing_time: Count,
          average_processing_time: Count,
          data: v.optional(v.unknown()),
        }),
      ),
    ),
  }),
}

export type Verb = keyof typeof schemas
type AnswerTo<V extends Verb> = v.InferOutput<(typeof schemas)[V]>
export type Info = AnswerTo<'INFO'>
export type Stats = AnswerTo<'STATS'>

export interface Answers<V extends Verb> {
  valid: AnswerTo<V>[]
  invalid: InvalidAnswer[]
}

export interface InvalidAnswer {
  name: string
  id: string
  problems: string[]
  answer: unknown
}

/**
 * Requests `$SRV.{verb}` from all instances of all services, or of the service `name`. Collects
 * replies for `waitMs`. If `waitMs` is undefined, waits until no reply has arrived for 150 ms, but
 * for at most one second.
 */
export async function discoverInstances<V extends Verb>(
  nc: NatsConnection,
  verb: V,
  name?: string,
  waitMs?: number,
): Promise<Answers<V>> {
  const subject = name === undefined ? `$SRV.${verb}` : `$SRV.${verb}.${name}`
  const answers: Answers<V> = { valid: [], invalid: [] }
  for (const message of await gather(nc, subject, '', waitMs)) {
    const parsed = parseReply(verb, message)
    if ('invalid' in parsed) answers.invalid.push(parsed.invalid)
    else answers.valid.push(parsed.valid)
  }
  answers.valid.sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id))
  return answers
}

function parseReply<V extends Verb>(
  verb: V,
  message: Msg,
): { valid: AnswerTo<V> } | { invalid: InvalidAnswer } {
  let answer: unknown
  try {
    answer = message.json()
  } catch {
    const answer = message.string()
    return { invalid: { name: '', id: '', problems: ['not JSON'], answer } }
  }
  const result = v.safeParse(schemas[verb], answer)
  if (result.success) return { valid: result.output as AnswerTo<V> }
  const { name, id } = Object(answer) as Record<string, unknown>
  const invalid = {
    name: typeof name === 'string' ? name : '',
    id: typeof id === 'string' ? id : '',
    problems: result.issues.map(describe),
    answer,
  }
  return { invalid }
}

function describe(issue: v.BaseIssue<unknown>) {
  const what = issue.received === 'undefined' ? 'missing' : issue.message
  return `${v.getDotPath(issue) ?? 'the answer'}: ${what}`
}
