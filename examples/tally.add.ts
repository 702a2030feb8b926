import * as v from 'valibot'
import { type Contract, defineFunction, FunctionError } from '#runtime'
import { tallies } from './_tally.ts'

const tallyAdd = {
  subject: 'tally.add.{name}',
  audience: ['everyone'],
  description: 'Adds one to a tally',
  input: v.strictObject({ name: v.string() }),
  output: v.object({ count: v.number() }),
} as const satisfies Contract

const maxAttempts = 10

export default defineFunction(
  tallyAdd,
  async ({ name }, { kv }) => {
    const bucket = kv(tallies)
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const entry = await bucket.get(name)
      const count = (entry?.value.count ?? 0) + 1
      // False if another call has changed the tally meanwhile.
      const isWritten = entry
        ? await bucket.update(name, { count }, entry.revision)
        : await bucket.create(name, { count })
      if (isWritten) return { count }
    }
    throw new FunctionError('unavailable', `Too many calls change tally ${name} at once`)
  },
  { resources: [tallies] },
)
