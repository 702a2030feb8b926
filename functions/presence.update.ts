import { changeStatus } from '#domain/presence/status'
import { readCaller } from '#domain/rooms/member'
import { defineFunction, FunctionError } from '#runtime'
import { presenceUpdate, type Status } from '#schema/messages/presence'
import { PRESENCE } from '#schema/streams'

export default defineFunction(
  presenceUpdate,
  async ({ status, idle }, context) => {
    const decide = (before: Status) =>
      before === 'offline' || (idle && before !== 'online') ? before : status
    const { after } = await changeStatus(readCaller(context), decide, context, { isIdle: idle })
    if (after === 'offline')
      throw new FunctionError('conflict', 'You are offline: send presence.heartbeat first')
    return {}
  },
  { queue: 'presence-workers', resources: [PRESENCE], limit: { max: 60, windowMs: 60_000 } },
)
