import { requireAdministrator } from '#domain/auth/administrator'
import { defineFunction } from '#runtime'
import { consoleDiscard } from '#schema/messages/console'
import { USER_IDS } from '#schema/streams'

export default defineFunction(
  consoleDiscard,
  async ({ seq }, context) => {
    const by = await requireAdministrator(context)
    const { log, system } = context
    const done = await system.discard(seq)
    log.info({ by, seq, done }, 'dead letter discarded')
    return { done }
  },
  { resources: [USER_IDS], limit: { max: 120, windowMs: 60_000 } },
)
