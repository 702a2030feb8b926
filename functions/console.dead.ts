import { defineFunction } from '#runtime'
import { consoleDead } from '#schema/messages/console'

/** Lists what functions could not handle: why, and where it came from; not what is in it. */
export default defineFunction(
  consoleDead,
  async (page, { system }) => {
    const { letters, ...rest } = await system.deadLetters(page)
    return { ...rest, letters: letters.map((one) => ({ ...one, at: one.at.toISOString() })) }
  },
  { limit: { max: 240, windowMs: 60_000 } },
)
