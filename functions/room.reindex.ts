import { ensureIndex, reconcileNext } from '#domain/rooms/member-index'
import { defineFunction, schedule } from '#runtime'
import type { RoomId } from '#schema/ids'
import { ROOMS_KV } from '#schema/streams'

/** The room after which this process continues. */
let last: RoomId | undefined

/**
 * Rebuilds the member index from the database if it is lost, and reconciles some rooms per run. Index
 * and database can differ after a process ended between two writes, or after a server lost its last
 * writes in a power cut.
 */
export default defineFunction(
  schedule({ everyMs: 10_000 }),
  async (_tick, context) => {
    const { wasBuilt } = await ensureIndex(context)
    if (!wasBuilt) last = await reconcileNext(last, context)
  },
  { resources: [ROOMS_KV] },
)
