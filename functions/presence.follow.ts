import { batchByKey } from '#domain/cache/batch-by-key'
import { broadcastPresence, collectMs } from '#domain/presence/broadcast'
import { findStatus } from '#domain/presence/status'
import { defineFunction, event, type ParsedDataOf } from '#runtime'
import { roomChanged } from '#schema/messages/member'
import { PRESENCE, ROOMS_KV } from '#schema/streams'

type MemberChange = Extract<ParsedDataOf<typeof roomChanged>, { action: 'join' | 'leave' }>

export default defineFunction(
  event(roomChanged, { queue: 'presence-workers' }),
  (change, context) => {
    if (change.action !== 'join' && change.action !== 'leave') return
    return collect(`${change.room}.${change.userId}`, change, context)
  },
  { resources: [PRESENCE, ROOMS_KV] },
)

const collect = batchByKey<string, MemberChange>(collectMs, async (collected, context) => {
  const resolved = await Promise.all(
    [...collected.values()].map(async ({ room, userId, action }) => {
      const status = action === 'leave' ? 'offline' : await findStatus(userId, context)
      return { room, userId, action, status }
    }),
  )
  const changes = resolved
    // A new member who is offline needs no broadcast: clients show a member as offline until they
    // receive another status.
    .filter(({ action, status }) => action === 'leave' || status !== 'offline')
    .map(({ room, userId, status }) => {
      const action = status === 'offline' ? 'offline' : 'online'
      return { room, change: { userId, status, action } } as const
    })
  await broadcastPresence(changes, context)
})
