import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
} from 'drizzle-orm/pg-core'
import type { ClientId, MessageId, RoomId, UserId } from '../ids.ts'
import type { Card } from '../messages/event.ts'

const seq = (name = 'seq') => bigint(name, { mode: 'number' })
const time = (name = 'at') => timestamp(name, { withTimezone: true })

/**
 * The current state of all messages. The tables in this file are a projection of the stream
 * CHAT_MESSAGES. They have no foreign keys, because an event may be persisted before the event of
 * the message to which it belongs.
 */
export const messages = pgTable(
  'messages',
  {
    id: text('id').$type<MessageId>().primaryKey(),
    room: text('room').$type<RoomId>().notNull(),
    seq: seq().notNull(),
    /** Empty instead of null outside threads, so that one index serves rooms and threads. */
    threadId: text('thread_id').$type<MessageId | ''>().notNull().default(''),
    sender: text('sender').$type<UserId>().notNull(),
    clientId: text('client_id').$type<ClientId>().notNull(),
    text: text('text').notNull(),
    mentions: text('mentions').array().$type<UserId[]>().notNull().default(sql`'{}'`),
    /** Only in messages that an app has sent. */
    card: jsonb('card').$type<Card>(),
    at: time().notNull(),
    editedSeq: seq('edited_seq'),
    editedAt: time('edited_at'),
    deletedAt: time('deleted_at'),
  },
  (table) => [
    // Used for history pages. The migration adds `INCLUDE (sender, deleted_at)` to this unique
    // index, so that an index-only scan can count unread messages. Drizzle cannot express INCLUDE.
    unique('messages_room_thread_seq').on(table.room, table.threadId, table.seq),
    // Makes `send` idempotent for ever. The stream detects duplicates only for some minutes.
    unique('messages_sender_client_id').on(table.sender, table.clientId),
    // Used by history pages, which list recently deleted replies of a thread.
    index('messages_deleted_replies')
      .on(table.room, table.threadId, table.editedSeq)
      .where(sql`${table.deletedAt} is not null and ${table.threadId} <> ''`),
  ],
)

/**
 * The mentions in the current texts of messages. Senders who mention themselves have no row. For
 * `@all`, `userId` is the group name `all`. For `@here`, there is a row for each member who was
 * online.
 */
export const mentions = pgTable(
  'mentions',
  {
    messageId: text('message_id').$type<MessageId>().notNull(),
    userId: text('user_id').$type<UserId>().notNull(),
    room: text('room').$type<RoomId>().notNull(),
    threadId: text('thread_id').$type<MessageId | ''>().notNull(),
    seq: seq().notNull(),
    sender: text('sender').$type<UserId>().notNull(),
    /** Sequence of the edit with which the current text was written; 0 for the original text. */
    version: seq('version').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.messageId, table.userId] }),
    // Includes the column `sender`, so that an index-only scan can count unread mentions.
    index('mentions_user').on(table.userId, table.room, table.threadId, table.seq, table.sender),
  ],
)

export const threadStates = pgTable(
  'thread_states',
  {
    threadId: text('thread_id').$type<MessageId>().notNull(),
    userId: text('user_id').$type<UserId>().notNull(),
    room: text('room').$type<RoomId>().notNull(),
    /**
     * True if the user started the thread, replied in it or was mentioned in it. Only replies in
     * followed threads count as unread.
     */
    followed: boolean('followed').notNull(),
    readSeq: seq('read_seq').notNull(),
    lastSeq: seq('last_seq').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.threadId, table.userId] }),
    index('thread_states_followed').on(table.userId, table.lastSeq).where(sql`${table.followed}`),
    index('thread_states_unread')
      .on(table.userId, table.room, table.lastSeq)
      .where(sql`${table.followed} and ${table.lastSeq} > ${table.readSeq}`),
  ],
)

/**
 * For each edited message, all its texts: the original text and the text of each edit. `seq` is the
 * sequence of the event that contained the text.
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

/**
 * The latest reaction event for each message, user and emoji; `on` is false for a withdrawn reaction.
 */
export const reactions = pgTable(
  'reactions',
  {
    messageId: text('message_id').$type<MessageId>().notNull(),
    userId: text('user_id').$type<UserId>().notNull(),
    emoji: text('emoji').notNull(),
    on: boolean('on').notNull(),
    seq: seq().notNull(),
    /**
     * Sequence of the user's first reaction to the message with this emoji. It stays the same if
     * the user withdraws the reaction and adds it again.
     */
    firstSeq: seq('first_seq').notNull(),
  },
  (table) => [primaryKey({ columns: [table.messageId, table.userId, table.emoji] })],
)

/**
 * The sequence of the newest persisted event of each room, including its threads. Earlier events
 * may not be persisted yet (see domain/log/persisted-sequence.ts). If two rooms are in different
 * partitions, their sequences do not show which event is newer.
 */
export const roomHeads = pgTable('room_heads', {
  room: text('room').$type<RoomId>().primaryKey(),
  seq: seq().notNull(),
  /** Time of the event `seq`. Null if the event was persisted by a version without this column. */
  at: time(),
})
