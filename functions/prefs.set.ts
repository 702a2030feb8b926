import { sql } from 'drizzle-orm'
import { readCaller } from '#domain/rooms/member'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import {
  deliverPrefs,
  type PreferenceChanges,
  prefsSet,
  type StoredPreferences,
} from '#schema/messages/prefs'

const maxBytes = 64 * 1024

export default defineFunction(
  prefsSet,
  async (changes, context) => {
    const user = readCaller(context)
    const stored = await store(user, changes)
    context.publish(deliverPrefs, { user, ...stored })
    return stored
  },
  { limit: { max: 120, windowMs: 60_000 } },
)

/** Merges the changes in one statement, so that concurrent changes of two devices are both stored. */
function store(user: UserId, { rooms = {}, translateRooms = {}, ...others }: PreferenceChanges) {
  const first = JSON.stringify({ ...others, rooms, translateRooms })
  const none = sql`'{}'::jsonb`
  return db.transaction(async (tx) => {
    const [row] = await tx.execute<{ prefs: StoredPreferences['prefs']; revision: string }>(sql`
      insert into preferences as stored (user_id, prefs, revision)
      values (
        ${user},
        jsonb_strip_nulls(${first}::jsonb || jsonb_build_object(
          'translateRooms', nullif(${first}::jsonb -> 'translateRooms', ${none})
        )),
        1
      )
      on conflict (user_id) do update set
        revision = stored.revision + 1,
        prefs = jsonb_strip_nulls(
          stored.prefs || ${JSON.stringify(others)}::jsonb ||
          jsonb_build_object(
            'rooms', (stored.prefs -> 'rooms') || ${JSON.stringify(rooms)}::jsonb,
            'translateRooms',
            nullif(
              coalesce(stored.prefs -> 'translateRooms', ${none}) || ${JSON.stringify(translateRooms)}::jsonb,
              ${none}
            )
          )
        )
      returning prefs, revision`)
    if (!row) throw new Error(`The preferences of ${user} were not stored`)
    const bytes = Buffer.byteLength(JSON.stringify(row.prefs))
    if (bytes > maxBytes)
      throw new FunctionError(
        'too_large',
        `The preferences would take ${bytes} bytes, but at most ${maxBytes} are stored: restore the default of some rooms`,
      )
    return { prefs: row.prefs, revision: Number(row.revision) }
  })
}
