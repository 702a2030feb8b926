import { listInstalledApps } from '#domain/apps/registry'
import { requireMember } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { appsRoom } from '#schema/messages/app'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  appsRoom,
  async ({ room }, context) => {
    await requireMember(room, context)
    return listInstalledApps(room)
  },
  {
    queue: 'app-registry-workers',
    resources: [ROOMS_KV],
    limit: { max: 300, windowMs: 60_000 },
  },
)
