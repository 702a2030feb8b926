import { bigint, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core'
import type { ClientId, MessageId, RoomId, UserId } from '../ids.ts'

/**
 * What was said, drawn from the log: dropping this table and reading the log again gives the same
 * rows. That is why nothing here refers to another table. The key over room and sequence is read in
 * both directions by the pages of the history, so it needs no index of its own.
 */
export const messages = pgTable(
  'messages',
  {
    id: text('id').$type<MessageId>().primaryKey(),
    room: text('room').$type<RoomId>().notNull(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    sender: text('sender').$type<UserId>().notNull(),
    clientId: text('client_id').$type<ClientId>().notNull(),
    text: text('text').notNull(),
    at: timestamp('at', { withTimezone: true }).notNull(),
  },
  (table) => [
    unique('messages_room_seq').on(table.room, table.seq),
    // Who says the same thing again has said it once, for ever.
    unique('messages_sender_client_id').on(table.sender, table.clientId),
  ],
)
