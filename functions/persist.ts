import { sql } from 'drizzle-orm'
import { defineFunction, stream } from '#runtime'
import { db } from '#schema/db'
import { chatMessage } from '#schema/messages/chat'
import { CHAT_MESSAGES } from '#schema/streams'
import { messages } from '#schema/tables/message'

/**
 * Copies the log into the database, a batch in one statement. What is there already stays as it is,
 * so that reading the log again, or twice at once, gives the same rows.
 */
export default defineFunction(
  stream(CHAT_MESSAGES, chatMessage, { batch: 500 }),
  async (batch) => {
    const column = (read: (message: (typeof batch)[number]) => unknown) =>
      sql.param(batch.map(read))
    // Arrays, not one row of parameters after the other: it costs a third.
    await db.execute(sql`
      insert into ${messages} (id, room, seq, sender, client_id, text, at)
      select * from unnest(
        ${column(({ data }) => data.id)}::text[],
        ${column(({ data }) => data.room)}::text[],
        ${column(({ seq }) => seq)}::bigint[],
        ${column(({ data }) => data.sender)}::text[],
        ${column(({ data }) => data.clientId)}::text[],
        ${column(({ data }) => data.text)}::text[],
        ${column(({ data }) => data.at)}::timestamptz[]
      )
      on conflict (sender, client_id) do nothing`)
  },
  { queue: 'persist-workers' },
)
