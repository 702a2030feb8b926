import { ensureIndex, reconcileNext } from '#domain/rooms/member-index'
import { defineFunction, schedule } from '#runtime'
import type { RoomId } from '#schema/ids'
import { ROOMS_KV } from '#schema/streams'

/** How far this process has come. */
let last: RoomId | undefined

/**
 * Makes the live index from the database when it has been lost, before somebody asks for it. And puts
 * right, some rooms at a time, what does not agree: a process may die between two writes, and a server
 * that loses power forgets its last ones.
 */
export default defineFunction(
  schedule({ everyMs: 10_000 }),
  async (_tick, context) => {
    const { wasBuilt } = await ensureIndex(context)
    if (!wasBuilt) last = await reconcileNext(last, context)
  },
  { resources: [ROOMS_KV] },
)
