import { readCaller } from '#domain/rooms/member'
import { listRoomKeys } from '#domain/rooms/room-key'
import { defineFunction } from '#runtime'
import { roomKeys } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  roomKeys,
  async ({ rooms }, context) => {
    const caller = readCaller(context)
    const requested = new Set(rooms)
    const keys = (await listRoomKeys(context)).filter(({ room }) => requested.has(room))
    // Memberships are read after the keys, and not from a cache. A removal deletes the membership before it
    // replaces the key, so a removed member never receives the new key.
    const memberships = await Promise.all(
      keys.map(({ room }) => context.kv(ROOMS_KV).get(`${room}.${caller}`)),
    )
    return {
      keys: keys
        .filter((_, index) => memberships[index] !== undefined)
        .map(({ room, key }) => ({ room, ...key })),
    }
  },
  { resources: [ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
