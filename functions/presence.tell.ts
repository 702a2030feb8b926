import { batchByKey } from '#domain/cache/batch-by-key'
import { broadcastPresence, collectMs, findRooms } from '#domain/presence/broadcast'
import { isOutdated } from '#domain/presence/status'
import { defineFunction, event, type ParsedDataOf } from '#runtime'
import type { UserId } from '#schema/ids'
import { presenceChanged } from '#schema/messages/presence'
import { PRESENCE, ROOMS_KV } from '#schema/streams'

type Change = ParsedDataOf<typeof presenceChanged>

export default defineFunction(
  event(presenceChanged, { queue: 'presence-workers' }),
  (change, context) => collect(change.userId, change, context),
  { resources: [PRESENCE, ROOMS_KV] },
)

const collect = batchByKey<UserId, Change>(
  collectMs,
  async (collected, context) => {
    const latest = new Map([...collected].filter(([, change]) => !isOutdated(change)))
    const memberships = await findRooms([...latest.keys()], context)
    const changes = memberships.flatMap(({ room, userId }) => {
      const change = latest.get(userId)
      return change ? [{ room, change }] : []
    })
    await broadcastPresence(changes, context)
  },
  // If a user comes online and then chooses another status, the broadcast must still show that the
  // user came online.
  (before, after) =>
    before.action === 'online' && after.action === 'status'
      ? { ...after, action: 'online' }
      : after,
)
