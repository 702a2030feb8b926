import * as v from 'valibot'
import { batchByKey } from '#domain/cache/batch-by-key'
import { defineFunction, event } from '#runtime'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { DisplayName, userSeen } from '#schema/messages/user'

/** Logins of this interval are persisted in one statement. */
const collectMs = 250

/** Adds a user to the table users, or updates their name from the identity provider. */
export default defineFunction(
  event(userSeen, { queue: 'user-workers' }),
  ({ userId, name }, context) => collect(userId, name, context),
)

const collect = batchByKey<UserId, string | undefined>(collectMs, async (collected) => {
  // Sorted, so that two processes lock the same rows in the same order and do not deadlock.
  const logins = [...collected].sort(([a], [b]) => (a < b ? -1 : 1))
  const sql = db.$client
  // A login without a name inserts the user id as the name, but must not overwrite an earlier name.
  await sql`
    insert into users (id, name)
    select * from unnest(
      ${logins.map(([id]) => id)}::text[],
      ${logins.map(([id, name]) => readName(name) ?? id)}::text[]
    )
    on conflict (id) do update set
      name = case when excluded.name = excluded.id then users.name else excluded.name end,
      seen_at = now()`
})

/** Returns the name from the identity provider, or undefined if it is not a valid display name. */
function readName(name: string | undefined): string | undefined {
  const { success, output } = v.safeParse(DisplayName, name)
  return success ? output : undefined
}
