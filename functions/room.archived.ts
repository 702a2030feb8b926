import { sql } from 'drizzle-orm'
import { readCaller } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import type { Room } from '#schema/messages/room'
import { roomArchived } from '#schema/messages/room'

const [maxSearched, maxRooms] = [1_000, 200]

export default defineFunction(
  roomArchived,
  async (_input, context) => {
    // `lateral` and the limits make PostgreSQL begin with the archived rooms, which are few, and not with
    // all rooms of the caller.
    const rooms = await db.execute<Room>(sql`
      select archived.id, archived.name, archived.kind
      from (
        select id, name, kind from rooms where archived_at is not null
        order by archived_at desc limit ${maxSearched}
      ) as archived
      cross join lateral (
        select from members
        where room = archived.id and user_id = ${readCaller(context)} and role = 'owner' limit 1
      ) as own
      order by archived.name, archived.id limit ${maxRooms}`)
    return { rooms: [...rooms] }
  },
  { limit: { max: 60, windowMs: 60_000 } },
)
