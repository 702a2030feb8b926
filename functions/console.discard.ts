import { defineFunction } from '#runtime'
import { consoleDiscard } from '#schema/messages/console'

export default defineFunction(
  consoleDiscard,
  async ({ seq }, { caller, log, system }) => {
    const done = await system.discard(seq)
    log.info({ by: caller, seq, done }, 'dead letter discarded')
    return { done }
  },
  { limit: { max: 120, windowMs: 60_000 } },
)
