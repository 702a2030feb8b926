import { defineFunction, stream } from '#runtime'
import { db } from '#schema/db'
import { chatRoom, type Said } from '#schema/messages/log'
import { CHAT_MESSAGES } from '#schema/streams'

/**
 * Copies the log into the database, a batch in one statement. What is there already stays as it is,
 * so that reading the log again, or twice at once, gives the same rows. Another message with the same
 * sequence, as after a log that began anew, is an error and no silence.
 */
export default defineFunction(
  stream(CHAT_MESSAGES, chatRoom, { batch: 500 }),
  async (events) => {
    const batch = events.flatMap(({ data, seq }) =>
      data.kind === 'message' ? [{ data: data as Said, seq }] : [],
    )
    // By the driver itself: one array for each column costs a third of a row of parameters for each
    // message, and its errors don't carry what people wrote into the log.
    const sql = db.$client
    await sql`
      insert into messages (id, room, seq, sender, client_id, text, at)
      select id, room, seq, sender, client_id, text, at::timestamptz
      from unnest(
        ${batch.map(({ data }) => data.id)}::text[],
        ${batch.map(({ data }) => data.room)}::text[],
        ${batch.map(({ seq }) => seq)}::bigint[],
        ${batch.map(({ data }) => data.sender)}::text[],
        ${batch.map(({ data }) => data.clientId)}::text[],
        ${batch.map(({ data }) => data.text)}::text[],
        ${batch.map(({ data }) => data.at)}::text[]
      ) as said (id, room, seq, sender, client_id, text, at)
      on conflict (sender, client_id) do nothing`
  },
  { queue: 'persist-workers' },
)
