import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  check,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import type { RoomId, UserId } from '../ids.ts'
import type { RoomEventOf } from '../messages/event.ts'
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
    archivedAt: timestamp('archived_at', { withTimezone: true }),
  },
  (table) => [
    check('rooms_kind', sql`${table.kind} in ('public', 'private', 'direct')`),
    // For room.archived, which otherwise would look up all rooms of the caller.
    index('rooms_archived').on(table.archivedAt).where(sql`${table.archivedAt} is not null`),
  ],
)

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

/** Users who were kicked from a room and cannot join it again unless they are invited. */
export const bans = pgTable(
  'bans',
  {
    room: room(),
    userId: userId(),
    by: text('by').$type<UserId>().notNull(),
    at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.room, table.userId] }),
    // For room.browse, which omits rooms that the caller is banned from.
    index('bans_user').on(table.userId),
  ],
)

/**
 * Read positions of members. A new row has the sequence of the newest persisted event of the room.
 * The row remains when the member leaves, and applies again when they return.
 */
export const readStates = pgTable(
  'read_states',
  {
    room: room(),
    userId: userId(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.room, table.userId] })],
)

/**
 * Transactional outbox for room and membership events. The transaction of a change inserts its
 * events. Later, the events are appended to the stream CHAT_MESSAGES in the order of `place`, with
 * `id` for deduplication, and deleted.
 */
export const pendingEvents = pgTable(
  'pending_events',
  {
    place: bigserial('place', { mode: 'number' }).primaryKey(),
    id: uuid('id').notNull().defaultRandom(),
    room: room(),
    event: jsonb('event').$type<RoomEventOf<'room' | 'member'>>().notNull(),
    at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [index('pending_events_room').on(table.room, table.place)],
)
