import { and, eq, isNotNull } from 'drizzle-orm'
import { readCaller } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import { roomArchived } from '#schema/messages/room'
import { members, rooms } from '#schema/tables/room'

const maxRooms = 200

export default defineFunction(
  roomArchived,
  async (_input, context) => ({
    rooms: await db
      .select({ id: rooms.id, name: rooms.name, kind: rooms.kind })
      .from(members)
      .innerJoin(rooms, eq(rooms.id, members.room))
      .where(
        and(
          eq(members.userId, readCaller(context)),
          eq(members.role, 'owner'),
          isNotNull(rooms.archivedAt),
        ),
      )
      .orderBy(rooms.name, rooms.id)
      .limit(maxRooms),
  }),
  { limit: { max: 60, windowMs: 60_000 } },
)
