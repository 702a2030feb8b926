import { bigint, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import type { UserId } from '../ids.ts'
import type { Preferences } from '../messages/prefs.ts'

/** Preferences of users. A user who has never changed a preference has no row. */
export const preferences = pgTable('preferences', {
  userId: text('user_id').$type<UserId>().primaryKey(),
  prefs: jsonb('prefs').$type<Preferences>().notNull(),
  revision: bigint('revision', { mode: 'number' }).notNull(),
})
