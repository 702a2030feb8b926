import type { Logger } from 'pino'
import * as v from 'valibot'
import { requireMigrations } from '#domain/database/require-migrations'
import { createDefaultRooms, DefaultRoomsEnv } from '#domain/rooms/default-rooms'
import { indexUsers } from '#domain/users/store'
import { closeDb, configureDb, migrate as migrateDb, pingDb } from '#schema/db'

interface Setup {
  log: Logger
  env: Readonly<Record<string, string | undefined>>
}

export async function migrate({ env }: Setup): Promise<void> {
  configureDb(env)
  await migrateDb()
}

interface RunningSetup extends AsyncDisposable {
  dependencies: Record<string, () => Promise<unknown>>
}

export default async function setup({ log, env }: Setup): Promise<RunningSetup> {
  configureDb(env)
  await requireMigrations()
  const { DEFAULT_ROOMS: ids } = v.parse(DefaultRoomsEnv, env)
  const { created, unusable } = await createDefaultRooms(ids)
  if (unusable.length > 0)
    log.warn(
      { rooms: unusable },
      'new users do not join default rooms that are private or archived',
    )
  const indexed = await indexUsers()
  log.info({ indexed, created }, 'database is ready')
  return { dependencies: { postgresql: pingDb }, [Symbol.asyncDispose]: closeDb }
}
