import { sql } from 'drizzle-orm'
import {
  boolean,
  foreignKey,
  index,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import type { RoomId, UserId } from '#schema/ids'

export const schema = pgSchema('app_poll')

const room = () => text('room').$type<RoomId>().notNull()

export const polls = schema.table(
  'polls',
  {
    room: room(),
    id: uuid('id').notNull(),
    question: text('question').notNull(),
    options: text('options').array().notNull(),
    /** Whether a member may vote for several options. */
    multiple: boolean('multiple').notNull(),
    /** Whether the votes are stored under pseudonyms instead of user ids. */
    anonymous: boolean('anonymous').notNull(),
    /** Whether the results are hidden until the poll is closed. */
    hidden: boolean('hidden').notNull(),
    createdBy: text('created_by').$type<UserId>().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    closedAt: timestamp('closed_at', { withTimezone: true }),
  },
  (table) => [
    primaryKey({ columns: [table.room, table.id] }),
    index('polls_newest').on(table.room, sql`${table.createdAt} desc`),
  ],
)

/**
 * The rows contain no timestamp: a comparison with the server's log could reveal who cast an
 * anonymous vote at that time.
 */
export const votes = schema.table(
  'votes',
  {
    room: room(),
    poll: uuid('poll').notNull(),
    /** A user id, or a pseudonym in an anonymous poll. */
    voter: text('voter').notNull(),
    /** Position in the poll's options. */
    option: smallint('option').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.room, table.poll, table.voter, table.option] }),
    foreignKey({ columns: [table.room, table.poll], foreignColumns: [polls.room, polls.id] }),
  ],
)
