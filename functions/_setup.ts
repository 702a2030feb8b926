import type { Logger } from 'pino'
import { closeDb, db, migrate } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { rooms } from '#schema/tables/room'

/** The rooms that are there from the start. */
const demoRooms = [
  { id: 'general', name: 'General' },
  { id: 'random', name: 'Random' },
  { id: 'help', name: 'Help' },
]

/** Before anything is served: the tables as they should be, and rooms to begin with. */
export default async function setup({ log }: { log: Logger }): Promise<AsyncDisposable> {
  await migrate()
  const added = await db
    .insert(rooms)
    .values(demoRooms.map((room) => ({ ...room, id: room.id as RoomId, kind: 'public' as const })))
    .onConflictDoNothing()
    .returning({ id: rooms.id })
  log.info({ added: added.map(({ id }) => id) }, 'database is ready')
  return { [Symbol.asyncDispose]: closeDb }
}
