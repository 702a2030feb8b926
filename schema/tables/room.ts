import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
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
    // Used by room.archived. Without it, room.archived would look up all rooms of the caller.
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
    isRequest: boolean('is_request').notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.room, table.userId] }),
    index('members_user').on(table.userId),
    check('members_role', sql`${table.role} in ('owner', 'moderator', 'member', 'guest')`),
  ],
)

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
    // Used by room.browse, which omits rooms from which the caller is banned.
    index('bans_user').on(table.userId),
  ],
)

/**
 * Invitations that have not been accepted, including declined ones. If a user who has declined is
 * invited to the room again, the invitation is `quiet`: the user may accept it, but does not see it
 * listed.
 */
export const invitations = pgTable(
  'invitations',
  {
    room: room(),
    userId: userId(),
    by: text('by').$type<UserId>().notNull(),
    role: text('role').$type<Role>().notNull(),
    state: text('state').$type<'pending' | 'declined' | 'quiet'>().notNull().default('pending'),
    at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.room, table.userId] }),
    index('invitations_pending').on(table.userId, table.at).where(sql`${table.state} = 'pending'`),
    check('invitations_role', sql`${table.role} in ('owner', 'moderator', 'member', 'guest')`),
    check('invitations_state', sql`${table.state} in ('pending', 'declined', 'quiet')`),
  ],
)

/**
 * Read positions of members. A new member's position is the newest persisted event of the room.
 * When a member leaves, the row is kept, and applies again when they return.
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
 * Transactional outbox for room and membership events, and for messages of apps. The transaction of
 * a change inserts the events of the change here. Later, the events are appended to the stream
 * CHAT_MESSAGES, in the order of `place`, and then deleted here. The stream deduplicates them by
 * `id`.
 */
export const pendingEvents = pgTable(
  'pending_events',
  {
    place: bigserial('place', { mode: 'number' }).primaryKey(),
    id: uuid('id').notNull().defaultRandom(),
    room: room(),
    event: jsonb('event').$type<RoomEventOf<'room' | 'member' | 'message'>>().notNull(),
    at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [index('pending_events_room').on(table.room, table.place)],
)
