import { randomInt } from 'node:crypto'
import { desc, eq } from 'drizzle-orm'
import * as v from 'valibot'
import { action, defineApp, query } from '#domain/apps/define-app'
import { UserId } from '#schema/ids'
import { rolls } from './tables.ts'

const Roll = v.object({ user: UserId, result: v.number() })

/** Rolls a die on the server, so that no client can choose the result. */
const roll = action(
  { input: v.strictObject({}), output: Roll },
  async ({ room, user, db, tell }) => {
    const rolled = { user, result: randomInt(1, 7) }
    await db.insert(rolls).values({ room, ...rolled })
    tell(rolled)
    return rolled
  },
)

/** Returns the last 20 rolls of the room, newest first. */
const list = query(
  { input: v.strictObject({}), output: v.object({ rolls: v.array(Roll) }) },
  async ({ room, db }) => {
    const ofRoom = db.select().from(rolls).where(eq(rolls.room, room))
    return { rolls: await ofRoom.orderBy(desc(rolls.id)).limit(20) }
  },
)

export default defineApp({
  id: '__name__',
  name: '__Name__',
  version: '1.0.0',
  actions: { roll, list },
})
