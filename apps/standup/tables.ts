import {
  index,
  integer,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import type { RoomId, UserId } from '#schema/ids'

export const schema = pgSchema('app_standup')

const room = () => text('room').$type<RoomId>().notNull()
const time = (name: string) => timestamp(name, { withTimezone: true })
/** The date on which a standup opens, in the time zone of its settings, such as `2026-11-30`. */
const day = () => text('day').notNull()

export const settings = schema.table(
  'settings',
  {
    room: room().primaryKey(),
    /** Local time of day, such as `09:30`. */
    time: text('time').notNull(),
    timeZone: text('time_zone').notNull(),
    /** From 1 (Monday) to 7 (Sunday). */
    days: smallint('days').array().notNull(),
    minutes: integer('minutes').notNull(),
    /** When the next standup opens; null if no day is chosen. */
    opensAt: time('opens_at'),
  },
  (table) => [index('settings_due').on(table.opensAt)],
)

/** The primary key allows one standup per room and day. */
export const standups = schema.table(
  'standups',
  {
    room: room(),
    day: day(),
    closesAt: time('closes_at').notNull(),
    closedAt: time('closed_at'),
    /** Number of members who could answer when the standup ended. */
    members: integer('members').notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.room, table.day] }),
    index('standups_due').on(table.closedAt, table.closesAt),
  ],
)

export const answers = schema.table(
  'answers',
  {
    room: room(),
    day: day(),
    user: text('user_id').$type<UserId>().notNull(),
    done: text('done').notNull(),
    next: text('next').notNull(),
    blockers: text('blockers').notNull(),
    /** Null for a draft, which only its author may see. */
    submittedAt: time('submitted_at'),
  },
  (table) => [primaryKey({ columns: [table.room, table.day, table.user] })],
)
