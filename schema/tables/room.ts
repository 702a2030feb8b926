import { sql } from 'drizzle-orm'
import { bigint, check, index, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core'
import type { RoomId, UserId } from '../ids.ts'
import type { Role, RoomKind } from '../messages/room.ts'

const room = () =>
  text('room')
    .$type<RoomId>()
    .notNull()
    .references(() => rooms.id, { onDelete: 'cascade' })
const userId = () => text('user_id').$type<UserId>().notNull()

export const rooms = pgTable(
  'rooms',
  {
    id: text('id').$type<RoomId>().primaryKey(),
    name: text('name').notNull(),
    kind: text('kind').$type<RoomKind>().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    /** While this is set, nobody can read the room. */
    archivedAt: timestamp('archived_at', { withTimezone: true }),
  },
  (table) => [check('rooms_kind', sql`${table.kind} in ('public', 'private', 'direct')`)],
)

/** Who belongs to which room. The pair is the key, so joining twice changes nothing. */
export const members = pgTable(
  'members',
  {
    room: room(),
    userId: userId(),
    role: text('role').$type<Role>().notNull().default('member'),
    joinedAt: timestamp('joined_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.room, table.userId] }),
    index('members_user').on(table.userId),
    check('members_role', sql`${table.role} in ('owner', 'moderator', 'member', 'guest')`),
  ],
)

/** Who was kicked from which room, and may not come back unless invited. */
export const bans = pgTable(
  'bans',
  {
    room: room(),
    userId: userId(),
    by: text('by').$type<UserId>().notNull(),
    at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.room, table.userId] })],
)

/** How far each member has read. Stays when they leave, for when they come back. */
export const readStates = pgTable(
  'read_states',
  {
    room: room(),
    userId: userId(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.room, table.userId] })],
)
