import { defineFunction } from '#runtime'
import { consoleReplay } from '#schema/messages/console'

export default defineFunction(
  consoleReplay,
  async ({ seq }, { caller, log, system }) => {
    const done = await system.replay(seq)
    log.info({ by: caller, seq, done }, 'dead letter replayed')
    return { done }
  },
  { limit: { max: 120, windowMs: 60_000 } },
)
