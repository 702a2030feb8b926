import { coalesce } from '#domain/cache/coalesce'
import { readSince } from '#domain/log/read-since'
import { takeWithinBytes } from '#domain/messages/response-size'
import { requireReader } from '#domain/rooms/reader'
import { type Context, defineFunction } from '#runtime'
import type { RoomId } from '#schema/ids'
import { chatSync } from '#schema/messages/chat'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** Concurrent calls share a read: after an outage, many clients of a room request the same events at once. */
const readShared = coalesce(
  (_key: string, { room, since, context }: { room: RoomId; since: number; context: Context }) =>
    readSince(room, since, context),
)

export default defineFunction(
  chatSync,
  async ({ room, since }, context) => {
    await requireReader(room, context)
    const stored = await readShared(`${room} ${since}`, { room, since, context })
    // Checks again, because the caller may have been removed or banned during the read.
    await requireReader(room, context)
    const events = stored?.map(({ seq, data }) => ({ seq, event: data }))
    if (!events || takeWithinBytes(events).length < events.length) return { recovered: false }
    return { recovered: true, events }
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
