import * as v from 'valibot'
import { type Contract, defineFunction } from '#runtime'

const hello = {
  subject: 'hello',
  audience: ['everyone'],
  description: 'Greets the caller',
  input: v.strictObject({ name: v.optional(v.pipe(v.string(), v.maxLength(100))) }),
  output: v.object({ greeting: v.string() }),
} as const satisfies Contract

/** The server has verified `caller`. `name` is not verified: the caller may send any name. */
export default defineFunction(hello, ({ name }, { caller }) => ({
  greeting: `Hello ${name ?? caller}`,
}))
