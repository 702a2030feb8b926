import { ensureIndex, reconcileNext } from '#domain/rooms/member-index'
import { defineFunction, schedule } from '#runtime'
import type { RoomId } from '#schema/ids'
import { ROOMS_KV } from '#schema/streams'

/**
 * The batches are small: comparing 6,000 memberships takes a third of a second, and messages would
 * wait for that time.
 */
const maxMembers = 500

let last: RoomId | undefined

/**
 * Reconciles the whole member index ROOMS_KV with the database if any partition of it was lost.
 * Otherwise, each run reconciles one batch of rooms: the index and the database differ if a process
 * ends between its writes to both.
 */
export default defineFunction(
  schedule({ everyMs: 10_000 }),
  async (_tick, context) => {
    const { wasBuilt } = await ensureIndex(context)
    if (!wasBuilt) last = await reconcileNext(last, { context, maxMembers })
  },
  { resources: [ROOMS_KV] },
)
