import { randomInt } from 'node:crypto'
import { desc } from 'drizzle-orm'
import { action, defineApp, inRoom, query } from '#app/server'
import { rolls } from './tables.ts'

/** Rolls a die on the server, so that no client can choose the result. */
const roll = action({}, async ({ room, user, db, tell }) => {
  const rolled = { user, result: randomInt(1, 7) }
  await db.insert(rolls).values({ room, ...rolled })
  tell(rolled)
  return rolled
})

/** Returns the last 20 rolls of the room, newest first. */
const list = query({}, async ({ room, db }) => {
  const shown = { user: rolls.user, result: rolls.result }
  const ofRoom = db.select(shown).from(rolls).where(inRoom(rolls, room))
  return { rolls: await ofRoom.orderBy(desc(rolls.id)).limit(20) }
})

export default defineApp({
  id: '__name__',
  name: '__Name__',
  version: '1.0.0',
  actions: { roll, list },
})
