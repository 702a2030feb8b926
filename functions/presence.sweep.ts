import * as v from 'valibot'
import { setOfflineIfDisconnected } from '#domain/presence/status'
import { defineFunction, schedule } from '#runtime'
import { UserId } from '#schema/ids'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'

const batchSize = 64

/**
 * Makes those offline whose connections have all ended while nobody noticed. The sign of an expiry
 * stays for a second, so one that falls into a pause of the functions is never seen, nor are all when
 * thousands come at once.
 */
export default defineFunction(
  schedule({ everyMs: 30_000 }),
  async (_tick, context) => {
    // In this order: nobody comes online before their lease stands.
    const entries = await context.kv(PRESENCE).list('*')
    const leases = await context.kv(PRESENCE_CONN).list('*.*')
    const connected = new Set(leases.map(({ key }) => key.split('.')[0]))

    const gone = entries
      .filter(({ key, value }) => value.status !== 'offline' && !connected.has(key))
      .map(({ key }) => v.parse(UserId, key))
    for (let at = 0; at < gone.length; at += batchSize)
      await Promise.all(
        gone.slice(at, at + batchSize).map((user) => setOfflineIfDisconnected(user, context)),
      )
  },
  { resources: [PRESENCE, PRESENCE_CONN] },
)
