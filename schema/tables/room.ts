import { sql } from 'drizzle-orm'
import { check, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core'
import type { RoomId, UserId } from '../ids.ts'
import type { RoomKind } from '../messages/room.ts'

export const rooms = pgTable(
  'rooms',
  {
    id: text('id').$type<RoomId>().primaryKey(),
    name: text('name').notNull(),
    kind: text('kind').$type<RoomKind>().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [check('rooms_kind', sql`${table.kind} in ('public', 'private')`)],
)

/** Who belongs to which room. The pair is the key, so joining twice changes nothing. */
export const members = pgTable(
  'members',
  {
    room: text('room')
      .$type<RoomId>()
      .notNull()
      .references(() => rooms.id, { onDelete: 'cascade' }),
    userId: text('user_id').$type<UserId>().notNull(),
    joinedAt: timestamp('joined_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.room, table.userId] })],
)
