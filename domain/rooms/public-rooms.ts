import { and, eq, exists, isNull, notInArray, or, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { bans, members, rooms } from '#schema/tables/room'

const pageSize = 50
/**
 * The collation is explicit, because the result and its sort order must not depend on the locale of
 * the database.
 */
const lower = (text: SQL | AnyPgColumn) => sql`lower(${text} collate "und-x-icu")`
const name = lower(rooms.name)

export interface PublicRoomQuery {
  text: string
  after?: RoomId | undefined
  caller: UserId
}

export async function listPublicRooms({ text, after, caller }: PublicRoomQuery) {
  const start = after === undefined ? undefined : await findPageStart(after, caller)
  const searched = lower(sql`${text}::text`)
  const isMatch = or(
    sql`strpos(${name}, ${searched}) > 0`,
    sql`strpos(${rooms.id}, ${searched}) > 0`,
  )
  const isJoined = exists(
    db
      .select()
      .from(members)
      .where(and(eq(members.room, rooms.id), eq(members.userId, caller))),
  )
  const page = await db
    .select({
      id: rooms.id,
      name: rooms.name,
      kind: rooms.kind,
      members: db.$count(members, eq(members.room, rooms.id)),
      joined: sql<boolean>`${isJoined}`,
    })
    .from(rooms)
    .where(and(isVisible(caller), isMatch, start))
    .orderBy(name, rooms.id)
    .limit(pageSize + 1)
  return { rooms: page.slice(0, pageSize), more: page.length > pageSize }
}

/**
 * Throws `invalid` if the caller may not see the room `after`. Otherwise, the page would reveal the
 * name of this room: it begins with the rooms whose names follow that name.
 */
async function findPageStart(after: RoomId, caller: UserId): Promise<SQL> {
  const [room] = await db
    .select({ name: name.mapWith(String) })
    .from(rooms)
    .where(and(eq(rooms.id, after), isVisible(caller)))
  if (!room)
    throw new FunctionError('invalid', `Room ${after} does not exist, or you may not see it`)
  return sql`(${name}, ${rooms.id}) > (${room.name}::text, ${after}::text)`
}

function isVisible(caller: UserId) {
  // PostgreSQL reads this list once. By contrast, it would evaluate a `not exists` condition for
  // every room.
  const banned = db.select({ room: bans.room }).from(bans).where(eq(bans.userId, caller))
  return and(eq(rooms.kind, 'public'), isNull(rooms.archivedAt), notInArray(rooms.id, banned))
}
