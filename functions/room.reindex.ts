import { ensureIndex, reconcileNext } from '#domain/rooms/member-index'
import { defineFunction, schedule } from '#runtime'
import type { RoomId } from '#schema/ids'
import { ROOMS_KV } from '#schema/streams'

/** Id of the last room that this process reconciled; undefined to start with the first room. */
let last: RoomId | undefined

/**
 * Builds the member index ROOMS_KV again from the database if it is lost; otherwise reconciles the
 * next batch of rooms at each run. The index and the database can differ after a process ended
 * between writing to one and to the other, or after a server lost its last writes in a power cut.
 */
export default defineFunction(
  schedule({ everyMs: 10_000 }),
  async (_tick, context) => {
    const { wasBuilt } = await ensureIndex(context)
    if (!wasBuilt) last = await reconcileNext(last, context)
  },
  { resources: [ROOMS_KV] },
)
