import * as v from 'valibot'
import type { Contract, Topic } from '../../runtime/index.ts'

/** About 100 bytes as JSON. */
const Note = v.strictObject({
  id: v.pipe(v.string(), v.uuid()),
  text: v.pipe(v.string(), v.maxLength(200)),
  count: v.pipe(v.number(), v.safeInteger()),
})

/** `bench.echo`: the same again. */
export const benchEcho = {
  subject: 'bench.echo',
  input: Note,
  output: Note,
  audience: ['everyone'],
} as const satisfies Contract

/** `bench.wait`: answers after so many milliseconds. */
export const benchWait = {
  subject: 'bench.wait',
  input: v.strictObject({ ms: v.number() }),
  output: v.strictObject({}),
  audience: ['functions'],
} as const satisfies Contract

/** `bench.cpu`: the processor time that the runtime has used, in microseconds. */
export const benchCpu = {
  subject: 'bench.cpu',
  input: v.strictObject({}),
  output: v.strictObject({ cpu: v.number() }),
  audience: ['functions'],
} as const satisfies Contract

/** `bench.tell`: tells a note so many times. */
export const benchTell = {
  subject: 'bench.tell',
  input: v.strictObject({ times: v.number(), note: Note }),
  output: v.strictObject({}),
  audience: ['functions'],
  timeoutMs: 30_000,
} as const satisfies Contract

/** What `bench.tell` tells, to nobody. */
export const benchTold = { subject: 'bench.told', data: Note } as const satisfies Topic

/** What `bench.hear` hears. */
export const benchPoured = { subject: 'bench.poured', data: Note } as const satisfies Topic

/** Told whenever so many notes have been heard, so that no more are under way than it may hold. */
export const benchHeard = {
  subject: 'bench.heard',
  data: v.strictObject({}),
} as const satisfies Topic
export const notesAtOnce = 500
