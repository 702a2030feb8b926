import { announceInstallation } from '#domain/apps/announce'
import { uninstallApp } from '#domain/apps/registry'
import { requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction } from '#runtime'
import { appsUninstall } from '#schema/messages/app'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  appsUninstall,
  async ({ room, app }, context) => {
    requireRight(await requireMember(room, context), 'manageApps')
    if (await uninstallApp(app, room))
      await announceInstallation({ app, room, installed: false }, context)
    return {}
  },
  {
    queue: 'app-registry-workers',
    resources: [ROOMS_KV],
    limit: { max: 60, windowMs: 60_000 },
  },
)
