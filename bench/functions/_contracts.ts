import * as v from 'valibot'
import type { Contract, Topic } from '../../runtime/index.ts'

const Payload = v.strictObject({
  id: v.pipe(v.string(), v.uuid()),
  text: v.pipe(v.string(), v.maxLength(200)),
  count: v.pipe(v.number(), v.safeInteger()),
})

export const benchEcho = {
  subject: 'bench.echo',
  input: Payload,
  output: Payload,
  audience: ['everyone'],
} as const satisfies Contract

export const benchWait = {
  subject: 'bench.wait',
  input: v.strictObject({ ms: v.number() }),
  output: v.strictObject({}),
  audience: ['functions'],
} as const satisfies Contract

export const benchCpu = {
  subject: 'bench.cpu',
  input: v.strictObject({}),
  output: v.strictObject({ cpu: v.number() }),
  audience: ['functions'],
} as const satisfies Contract

export const benchPublish = {
  subject: 'bench.publish',
  input: v.strictObject({ times: v.number(), payload: Payload }),
  output: v.strictObject({}),
  audience: ['functions'],
  timeoutMs: 30_000,
} as const satisfies Contract

export const benchPublished = { subject: 'bench.published', data: Payload } as const satisfies Topic

export const benchEvent = { subject: 'bench.event', data: Payload } as const satisfies Topic

export const benchReceived = {
  subject: 'bench.received',
  data: v.strictObject({}),
} as const satisfies Topic
export const eventWindow = 500
