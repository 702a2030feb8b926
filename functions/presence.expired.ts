import * as v from 'valibot'
import { leasePattern } from '#domain/presence/lease'
import { setOfflineIfDisconnected } from '#domain/presence/status'
import { defineFunction, kvWatch } from '#runtime'
import { UserId } from '#schema/ids'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'

export default defineFunction(
  kvWatch(PRESENCE_CONN, { keys: leasePattern }),
  async ({ operation, key }, context) => {
    if (operation !== 'expire') return
    await setOfflineIfDisconnected(v.parse(UserId, key.split('.')[0]), context)
  },
  { resources: [PRESENCE, PRESENCE_CONN] },
)
