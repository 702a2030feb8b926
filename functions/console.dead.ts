import { defineFunction } from '#runtime'
import { consoleDead } from '#schema/messages/console'

export default defineFunction(
  consoleDead,
  async (page, { system }) => {
    const { letters, ...rest } = await system.deadLetters(page)
    return {
      ...rest,
      letters: letters.map((letter) => ({ ...letter, at: letter.at.toISOString() })),
    }
  },
  { limit: { max: 240, windowMs: 60_000 } },
)
