import { sql } from 'drizzle-orm'
import { index, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { UserId } from '../ids.ts'

/** Everybody who has ever logged in. */
export const users = pgTable(
  'users',
  {
    id: text('id').$type<UserId>().primaryKey(),
    /** What the identity provider calls them. */
    name: text('name').notNull(),
    /** What they want to be called instead. */
    chosenName: text('chosen_name'),
    seenAt: timestamp('seen_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    // People are found by how their id or name begins.
    index('users_id_prefix').on(table.id.op('text_pattern_ops')),
    index('users_name_prefix').on(
      sql`lower(coalesce(${table.chosenName}, ${table.name})) text_pattern_ops`,
    ),
  ],
)
