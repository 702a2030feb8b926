import type { Logger } from 'pino'
import { indexUsers } from '#domain/users/store'
import { closeDb, db, migrate } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { rooms } from '#schema/tables/room'

const initialRooms = [
  { id: 'general', name: 'General' },
  { id: 'random', name: 'Random' },
  { id: 'help', name: 'Help' },
]

/**
 * Migrates the database, inserts the initial rooms and indexes users of an earlier version, before any
 * function is served.
 */
export default async function setup({ log }: { log: Logger }): Promise<AsyncDisposable> {
  await migrate()
  const added = await db
    .insert(rooms)
    .values(
      initialRooms.map((room) => ({ ...room, id: room.id as RoomId, kind: 'public' as const })),
    )
    .onConflictDoNothing()
    .returning({ id: rooms.id })
  const indexed = await indexUsers()
  log.info({ indexed, added: added.map(({ id }) => id) }, 'database is ready')
  return { [Symbol.asyncDispose]: closeDb }
}
