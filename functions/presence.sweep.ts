import * as v from 'valibot'
import { setOfflineIfDisconnected } from '#domain/presence/status'
import { defineFunction, schedule } from '#runtime'
import { UserId } from '#schema/ids'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'

const batchSize = 64

/**
 * Sets users offline who have no lease left. `presence.expired` misses leases that expire while no
 * process runs, because the NATS server keeps the message about an expired lease for one second
 * only.
 */
export default defineFunction(
  schedule({ everyMs: 30_000 }),
  async (_tick, context) => {
    // The statuses must be listed before the leases. A heartbeat stores the lease before the
    // status, so every connected user in `entries` then has a lease in `leases`.
    const entries = await context.kv(PRESENCE).list('*')
    const leases = await context.kv(PRESENCE_CONN).list('*.*')
    const connected = new Set(leases.map(({ key }) => key.split('.')[0]))

    const expired = entries
      .filter(({ key, value }) => value.status !== 'offline' && !connected.has(key))
      .map(({ key }) => v.parse(UserId, key))
    for (let start = 0; start < expired.length; start += batchSize)
      await Promise.all(
        expired
          .slice(start, start + batchSize)
          .map((user) => setOfflineIfDisconnected(user, context)),
      )
  },
  { resources: [PRESENCE, PRESENCE_CONN] },
)
