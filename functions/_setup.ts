import type { Logger } from 'pino'
import { closeDb, db, migrate } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { rooms } from '#schema/tables/room'

const initialRooms = [
  { id: 'general', name: 'General' },
  { id: 'random', name: 'Random' },
  { id: 'help', name: 'Help' },
]

/** Migrates the database and inserts the initial rooms, before any function is served. */
export default async function setup({ log }: { log: Logger }): Promise<AsyncDisposable> {
  await migrate()
  const added = await db
    .insert(rooms)
    .values(
      initialRooms.map((room) => ({ ...room, id: room.id as RoomId, kind: 'public' as const })),
    )
    .onConflictDoNothing()
    .returning({ id: rooms.id })
  log.info({ added: added.map(({ id }) => id) }, 'database is ready')
  return { [Symbol.asyncDispose]: closeDb }
}
