import { deleteLease } from '#domain/presence/lease'
import { setOfflineIfDisconnected } from '#domain/presence/status'
import { readCaller } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { presenceDisconnect } from '#schema/messages/presence'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'

export default defineFunction(
  presenceDisconnect,
  async ({ connId }, context) => {
    const user = readCaller(context)
    await deleteLease(user, connId, context)
    await setOfflineIfDisconnected(user, context)
    return {}
  },
  {
    queue: 'presence-workers',
    resources: [PRESENCE, PRESENCE_CONN],
    limit: { max: 600, windowMs: 60_000 },
    maxQueued: 10_000,
  },
)
