import * as v from 'valibot'
import { setOfflineIfDisconnected } from '#domain/presence/status'
import { defineFunction, schedule } from '#runtime'
import { UserId } from '#schema/ids'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'

const batchSize = 64

/**
 * Sets users offline who have no lease left. This is needed because `presence.expired` can miss the
 * expiry of a lease: the server keeps the expiry marker for one second only, so the marker is lost
 * while no process runs, or when thousands of leases expire at once.
 */
export default defineFunction(
  schedule({ everyMs: 30_000 }),
  async (_tick, context) => {
    // Lists the statuses first and the leases second. A heartbeat stores the lease before it sets the
    // user online, so the second list has a lease for every connected user whom the first list shows
    // as online.
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
