import { changeStatus } from '#domain/presence/status'
import { readCaller } from '#domain/rooms/member'
import { defineFunction, FunctionError } from '#runtime'
import { presenceUpdate, type Status } from '#schema/messages/presence'
import { PRESENCE } from '#schema/streams'

/** Shows the caller as away or busy, or as there again, until they go offline. */
export default defineFunction(
  presenceUpdate,
  async ({ status, idle }, context) => {
    const choose = (before: Status) =>
      before === 'offline' || (idle && before !== 'online') ? before : status
    const { after } = await changeStatus(readCaller(context), choose, context, { isIdle: idle })
    if (after === 'offline')
      throw new FunctionError('conflict', 'You are offline: send a heartbeat first')
    return {}
  },
  { queue: 'presence-workers', resources: [PRESENCE], limit: { max: 60, windowMs: 60_000 } },
)
