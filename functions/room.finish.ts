import { findStaleRooms, flushOutbox } from '#domain/log/event-outbox'
import { reconcileRooms } from '#domain/rooms/member-index'
import { defineFunction, schedule } from '#runtime'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * The call that inserts an event in the outbox usually publishes it within this time. An older
 * event is published here.
 */
const staleAfterMs = 5_000
const maxRooms = 200

/**
 * Publishes outbox events that were not published because of a crash or an outage of CHAT_MESSAGES.
 */
export default defineFunction(
  schedule({ everyMs: 10_000 }),
  async (_tick, context) => {
    const rooms = await findStaleRooms(staleAfterMs, maxRooms)
    if (rooms.length === 0) return
    await reconcileRooms(rooms, context)
    for (const room of rooms) await flushOutbox(room, context)
    context.log.info({ rooms: rooms.length }, 'stale outbox events published')
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV] },
)
