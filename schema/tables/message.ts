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
 * Projection of the room log: replaying the log into empty tables gives the same rows, so the tables in
 * this file reference no others. The key over room, thread and sequence serves history pages as well.
 */
export const messages = pgTable(
  'messages',
  {
    id: text('id').$type<MessageId>().primaryKey(),
    room: text('room').$type<RoomId>().notNull(),
    seq: seq().notNull(),
    /** Empty for messages outside threads, so that one key serves rooms and threads. */
    threadId: text('thread_id').$type<MessageId | ''>().notNull().default(''),
    sender: text('sender').$type<UserId>().notNull(),
    clientId: text('client_id').$type<ClientId>().notNull(),
    /** The current text; empty after a deletion. */
    text: text('text').notNull(),
    mentions: text('mentions').array().$type<UserId[]>().notNull().default(sql`'{}'`),
    at: time().notNull(),
    /** Of the newest edit, or of the deletion. */
    editedSeq: seq('edited_seq'),
    editedAt: time('edited_at'),
    deletedAt: time('deleted_at'),
  },
  (table) => [
    // Its migration includes sender and deleted_at, which drizzle cannot express: an index-only scan counts
    // unread messages.
    unique('messages_room_thread_seq').on(table.room, table.threadId, table.seq),
    // Makes sending idempotent without a time limit.
    unique('messages_sender_client_id').on(table.sender, table.clientId),
    // For counts of mentions: few messages have any.
    index('messages_mentioning').on(table.room, table.seq).where(sql`${table.mentions} <> '{}'`),
  ],
)

/**
 * Every text of an edited message, including the original, by the sequence of its event. A version may be
 * persisted before its message; a deletion deletes all versions.
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

/** The latest reaction event per message, user and emoji; `on` is false for a withdrawn reaction. */
export const reactions = pgTable(
  'reactions',
  {
    messageId: text('message_id').$type<MessageId>().notNull(),
    userId: text('user_id').$type<UserId>().notNull(),
    emoji: text('emoji').notNull(),
    on: boolean('on').notNull(),
    seq: seq().notNull(),
    /** The user's first event for this emoji: a reaction that is added again keeps its place. */
    firstSeq: seq('first_seq').notNull(),
  },
  (table) => [primaryKey({ columns: [table.messageId, table.userId, table.emoji] })],
)

/**
 * The newest persisted event of a room, including its threads. Earlier events may still be missing: see
 * domain/log/persisted-sequence.ts.
 */
export const roomHeads = pgTable('room_heads', {
  room: text('room').$type<RoomId>().primaryKey(),
  seq: seq().notNull(),
})
