import * as v from 'valibot'
import { batchByKey } from '#domain/cache/batch-by-key'
import { defineFunction, event } from '#runtime'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { DisplayName, userSeen } from '#schema/messages/user'

/** How long logins are collected before they are written together, in milliseconds. */
const collectMs = 250

/** Keeps the directory of people from their logins: who they are, and what they are called. */
export default defineFunction(
  event(userSeen, { queue: 'user-workers' }),
  ({ userId, name }, context) => collect(userId, name, context),
)

const collect = batchByKey<UserId, string | undefined>(collectMs, async (collected) => {
  // An issuer that does not say a name this time takes none away. In one order everywhere, so that two who write the same people don't wait for each other.
  const people = [...collected].sort(([a], [b]) => (a < b ? -1 : 1))
  const sql = db.$client
  await sql`
    insert into users (id, name)
    select * from unnest(
      ${people.map(([id]) => id)}::text[],
      ${people.map(([id, name]) => readName(name) ?? id)}::text[]
    )
    on conflict (id) do update set
      name = case when excluded.name = excluded.id then users.name else excluded.name end,
      seen_at = now()`
})

/** What the identity provider calls somebody, if that can be shown. */
function readName(name: string | undefined): string | undefined {
  const { success, output } = v.safeParse(DisplayName, name)
  return success ? output : undefined
}
