import { announceInstallation } from '#domain/apps/announce'
import { installApp } from '#domain/apps/registry'
import { requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import { appsInstall } from '#schema/messages/app'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  appsInstall,
  async ({ room, app }, context) => {
    const member = await requireMember(room, context)
    requireRight(member, 'manageApps')
    const outcome = await installApp(app, room, member.user)
    if (outcome === 'unknown app')
      throw new FunctionError('not_found', `There is no app ${app}: call apps.list`)
    if (outcome === 'installed') await announceInstallation({ app, room, installed: true }, context)
    return {}
  },
  {
    queue: 'app-registry-workers',
    resources: [ROOMS_KV],
    limit: { max: 60, windowMs: 60_000 },
  },
)
