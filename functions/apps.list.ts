import { listApps } from '#domain/apps/registry'
import { defineFunction } from '#runtime'
import { appsList } from '#schema/messages/app'

export default defineFunction(appsList, () => listApps(), {
  queue: 'app-registry-workers',
  limit: { max: 120, windowMs: 60_000 },
})
