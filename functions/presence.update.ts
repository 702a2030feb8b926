import { defineFunction, FunctionError } from '#runtime'
import { presenceUpdate } from '#schema/messages/presence'
import { PRESENCE } from '#schema/streams'
import { readCaller } from './_member.ts'
import { changeStatus } from './_presence.ts'

/** Shows the caller as away or busy, or as there again, until they go offline. */
export default defineFunction(
  presenceUpdate,
  async ({ status }, context) => {
    const choose = (before: string) => (before === 'offline' ? before : status)
    const { after } = await changeStatus(readCaller(context), choose, context)
    if (after === 'offline')
      throw new FunctionError('conflict', 'You are offline: send a heartbeat first')
    return {}
  },
  { queue: 'presence-workers', uses: [PRESENCE], limit: { max: 60, windowMs: 60_000 } },
)
