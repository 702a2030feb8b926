import { and, eq, exists, isNull, notExists, or, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { readCaller } from '#domain/rooms/member'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { roomBrowse } from '#schema/messages/room'
import { bans, members, rooms } from '#schema/tables/room'

const pageSize = 50
/** In an order and with letters that are the same whatever the database was set up for. */
const lower = (text: SQL | AnyPgColumn) => sql`lower(${text} collate "und-x-icu")`
const name = lower(rooms.name)

/** Lists public rooms by name, but for those that the caller was removed from. */
export default defineFunction(
  roomBrowse,
  async ({ text, after }, context) => {
    const me = readCaller(context)
    const start = after === undefined ? undefined : await findStart(after, me)
    const page = await findRooms(text, start, me)
    return { rooms: page.slice(0, pageSize), more: page.length > pageSize }
  },
  { limit: { max: 300, windowMs: 60_000 } },
)

/** What is behind a room. It must be one that the caller sees: another's place would tell its name. */
async function findStart(after: RoomId, me: UserId): Promise<SQL> {
  const [room] = await db
    .select({ name: name.mapWith(String) })
    .from(rooms)
    .where(and(eq(rooms.id, after), isListed(me)))
  if (!room) throw new FunctionError('invalid', `There is no room ${after} to go on after`)
  return sql`(${name}, ${rooms.id}) > (${room.name}::text, ${after}::text)`
}

function findRooms(text: string, start: SQL | undefined, me: UserId) {
  const searched = lower(sql`${text}::text`)
  const isFound = or(
    sql`strpos(${name}, ${searched}) > 0`,
    sql`strpos(${rooms.id}, ${searched}) > 0`,
  )
  const isJoined = exists(
    db
      .select()
      .from(members)
      .where(and(eq(members.room, rooms.id), eq(members.userId, me))),
  )
  return (
    db
      .select({
        id: rooms.id,
        name: rooms.name,
        kind: rooms.kind,
        members: db.$count(members, eq(members.room, rooms.id)),
        joined: sql<boolean>`${isJoined}`,
      })
      .from(rooms)
      .where(and(isListed(me), isFound, start))
      .orderBy(name, rooms.id)
      // One more than the page, to see whether there is more.
      .limit(pageSize + 1)
  )
}

function isListed(me: UserId) {
  const ban = db
    .select()
    .from(bans)
    .where(and(eq(bans.room, rooms.id), eq(bans.userId, me)))
  return and(eq(rooms.kind, 'public'), isNull(rooms.archivedAt), notExists(ban))
}
