import { announceInstallation } from '#domain/apps/announce'
import { removeApp } from '#domain/apps/registry'
import { requireAdministrator } from '#domain/auth/administrator'
import { defineFunction, FunctionError } from '#runtime'
import { appsRemove } from '#schema/messages/app'
import { ROOMS_KV, USER_IDS } from '#schema/streams'

export default defineFunction(
  appsRemove,
  async ({ app }, context) => {
    await requireAdministrator(context)
    const services = await context.system.services()
    const served = services.find(({ name }) => name.startsWith(`app.${app}.`))
    if (served)
      throw new FunctionError(
        'conflict',
        `The app ${app} is still served by ${served.instances[0]?.process}: delete its folder, and restart`,
      )
    for (const room of await removeApp(app))
      await announceInstallation({ app, room, installed: false }, context)
    return {}
  },
  {
    queue: 'app-registry-workers',
    resources: [ROOMS_KV, USER_IDS],
    limit: { max: 30, windowMs: 60_000 },
  },
)
