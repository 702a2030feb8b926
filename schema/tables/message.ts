import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
} from 'drizzle-orm/pg-core'
import type { ClientId, MessageId, RoomId, UserId } from '../ids.ts'

const seq = (name = 'seq') => bigint(name, { mode: 'number' })
const time = (name = 'at') => timestamp(name, { withTimezone: true })

/**
 * What was said, drawn from the log: dropping the tables of this file and reading the log again gives
 * the same rows. That is why nothing here refers to another table. The keys over room and sequence
 * are read in both directions by the pages of the history, so they need no index of their own.
 */
export const messages = pgTable(
  'messages',
  {
    id: text('id').$type<MessageId>().primaryKey(),
    room: text('room').$type<RoomId>().notNull(),
    seq: seq().notNull(),
    /** Empty for what was said in the room itself, so that one key serves rooms and threads. */
    threadId: text('thread_id').$type<MessageId | ''>().notNull().default(''),
    sender: text('sender').$type<UserId>().notNull(),
    clientId: text('client_id').$type<ClientId>().notNull(),
    /** What it says now; empty once it is deleted. */
    text: text('text').notNull(),
    mentions: text('mentions').array().$type<UserId[]>().notNull().default(sql`'{}'`),
    at: time().notNull(),
    /** What made it as it is: its newest edit, or its deletion. */
    editedSeq: seq('edited_seq'),
    editedAt: time('edited_at'),
    deletedAt: time('deleted_at'),
  },
  (table) => [
    unique('messages_room_thread_seq').on(table.room, table.threadId, table.seq),
    // Who says the same thing again has said it once, for ever.
    unique('messages_sender_client_id').on(table.sender, table.clientId),
    // Few of what is said in threads names somebody: whoever counts that need not look at the rest.
    index('messages_named_in_threads')
      .on(table.room, table.seq)
      .where(sql`${table.threadId} <> '' and ${table.mentions} <> '{}'`),
  ],
)

/**
 * Each text of a message that was edited, also the first: by the sequence of what brought it. May be
 * here before the message is. None of those that are deleted.
 */
export const messageVersions = pgTable(
  'message_versions',
  {
    messageId: text('message_id').$type<MessageId>().notNull(),
    seq: seq().notNull(),
    text: text('text').notNull(),
    mentions: text('mentions').array().$type<UserId[]>().notNull(),
    at: time().notNull(),
  },
  (table) => [primaryKey({ columns: [table.messageId, table.seq] })],
)

/** Who put what to a message: the newest word of each, also that it was taken away. */
export const reactions = pgTable(
  'reactions',
  {
    messageId: text('message_id').$type<MessageId>().notNull(),
    userId: text('user_id').$type<UserId>().notNull(),
    emoji: text('emoji').notNull(),
    on: boolean('on').notNull(),
    seq: seq().notNull(),
    /** Of their first word, which keeps an emoji in its place when they change their mind. */
    firstSeq: seq('first_seq').notNull(),
  },
  (table) => [primaryKey({ columns: [table.messageId, table.userId, table.emoji] })],
)

/**
 * The newest event of a room, its threads included, that has been copied into these tables. One
 * before it may still be on its way: see domain/log/persisted-sequence.ts.
 */
export const roomHeads = pgTable('room_heads', {
  room: text('room').$type<RoomId>().primaryKey(),
  seq: seq().notNull(),
})
