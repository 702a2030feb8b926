import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { closeDb } from '#schema/db'
import type { ProcessService } from '../../stack/services/service.ts'
import { type DatabaseKind, startDatabase } from './servers.ts'

/** Starts a database for the tests of the enclosing `describe`, and sets DATABASE_URL. */
export function useDatabase(kind: DatabaseKind): () => ProcessService {
  let dir: string
  let database: ProcessService

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), `natter-${kind}-`))
    database = await startDatabase(kind, dir)
    process.env.DATABASE_URL = database.url
  })
  afterAll(async () => {
    await closeDb()
    await database.stop()
    await rm(dir, { recursive: true, force: true })
  })
  return () => database
}
