import { sql } from 'drizzle-orm'
import {
  boolean,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { UserId } from '../ids.ts'

/**
 * The column has no foreign key to `users`, because checking it would double the time that a batch
 * of first logins takes.
 */
const userId = () => text('user_id').$type<UserId>().notNull()

export const users = pgTable(
  'users',
  {
    id: text('id').$type<UserId>().primaryKey(),
    /**
     * The user name at the identity provider, which may change. Null for a user whose last login was
     * with a version without this column.
     */
    handle: text('handle'),
    issuer: text('issuer'),
    subject: text('subject'),
    /**
     * Name from the identity provider, or the user id if the provider has no name. If the user has
     * a `chosenName`, it is shown instead.
     */
    name: text('name').notNull(),
    chosenName: text('chosen_name'),
    seenAt: timestamp('seen_at', { withTimezone: true }).notNull().defaultNow(),
    /**
     * Version of the rules by which the user's rows in `user_terms` and `user_name_keys` were
     * derived. If it is lower than the current version, the rows are derived again.
     */
    indexedVersion: integer('indexed_version').notNull().default(0),
  },
  (table) => [
    uniqueIndex('users_identity').on(table.issuer, table.subject),
    index('users_indexed_version').on(table.indexedVersion),
    index('users_handle').on(sql`lower(${table.handle})`),
  ],
)

/** Names that look alike have a key in common (domain/users/name-keys.ts). */
export const userNameKeys = pgTable(
  'user_name_keys',
  {
    key: text('key').notNull(),
    userId: userId(),
    /** True if the key is derived from `chosenName`; false if from the id, the handle or `name`. */
    isChosen: boolean('is_chosen').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.key, table.userId, table.isChosen] }),
    index('user_name_keys_user').on(table.userId),
  ],
)

export const userTerms = pgTable(
  'user_terms',
  {
    term: text('term').notNull(),
    userId: userId(),
  },
  (table) => [
    // Used to search terms by prefix. `text_pattern_ops` orders the terms by their bytes, so that
    // all terms with the same prefix form one range of the index.
    uniqueIndex('user_terms_term').on(table.term.op('text_pattern_ops'), table.userId),
    index('user_terms_user').on(table.userId),
  ],
)

/**
 * Deactivated users, who cannot log in. This is not a column of `users`, because almost all its
 * values would be null. Before the first ANALYZE, PostgreSQL estimates such a column wrongly, and
 * then scans all users.
 */
export const deactivations = pgTable('deactivations', {
  userId: text('user_id').$type<UserId>().primaryKey(),
  at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
})

export const blocks = pgTable(
  'blocks',
  {
    userId: text('user_id').$type<UserId>().notNull(),
    blocked: text('blocked').$type<UserId>().notNull(),
    at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.blocked] })],
)
