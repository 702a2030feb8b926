import { eq } from 'drizzle-orm'
import { readCaller } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import { prefsGet } from '#schema/messages/prefs'
import { preferences } from '#schema/tables/preferences'

export default defineFunction(
  prefsGet,
  async (_input, context) => {
    const isOwn = eq(preferences.userId, readCaller(context))
    const [stored] = await db.select().from(preferences).where(isOwn)
    return stored ?? { prefs: {}, revision: 0 }
  },
  { limit: { max: 120, windowMs: 60_000 } },
)
