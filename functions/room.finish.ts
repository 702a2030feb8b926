import { findStaleRooms, flushOutbox } from '#domain/log/event-outbox'
import { reconcileRooms } from '#domain/rooms/member-index'
import { defineFunction, schedule } from '#runtime'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** Whoever is at it right now is done by then, in milliseconds. */
const afterMs = 5_000
const maxRooms = 200

/** Finishes what became of rooms where a process died, or the log took nothing, after it was kept. */
export default defineFunction(
  schedule({ everyMs: 10_000 }),
  async (_tick, context) => {
    const rooms = await findStaleRooms(afterMs, maxRooms)
    if (rooms.length === 0) return
    await reconcileRooms(rooms, context)
    for (const room of rooms) await flushOutbox(room, context)
    context.log.info({ rooms: rooms.length }, 'what had been left undone has been told')
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV] },
)
