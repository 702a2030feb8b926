import { sql } from 'drizzle-orm'
import { index, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { UserId } from '../ids.ts'

/** All users who have ever logged in. */
export const users = pgTable(
  'users',
  {
    id: text('id').$type<UserId>().primaryKey(),
    /**
     * Name from the identity provider, or the user id if the provider has no name. `chosenName`
     * takes precedence.
     */
    name: text('name').notNull(),
    chosenName: text('chosen_name'),
    seenAt: timestamp('seen_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    // For searching users by the beginning of their id or name.
    index('users_id_prefix').on(table.id.op('text_pattern_ops')),
    index('users_name_prefix').on(
      sql`lower(coalesce(${table.chosenName}, ${table.name})) text_pattern_ops`,
    ),
  ],
)
