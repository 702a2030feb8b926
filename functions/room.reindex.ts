import { defineFunction, schedule } from '#runtime'
import { ROOMS_KV } from '#schema/streams'
import { ensureIndex } from './_index.ts'

/** Makes the live index from the database when it has been lost, before somebody asks for it. */
export default defineFunction(
  schedule({ everyMs: 10_000 }),
  async (_tick, context) => {
    await ensureIndex(context)
  },
  { uses: [ROOMS_KV] },
)
