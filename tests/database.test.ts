import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDb, db, migrate } from '#schema/db'
import type { ProcessPart } from '../stack/parts/part.ts'
import { type DatabaseKind, startDatabase } from './servers.ts'

describe.each<DatabaseKind>(['postgres', 'pglite'])('the database, on %s', (kind) => {
  let dir: string
  let database: ProcessPart

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-database-'))
    database = await startDatabase(kind, dir)
    process.env.DATABASE_URL = database.url
  })
  afterAll(async () => {
    await closeDb()
    await database.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it('is migrated once, however many try at once', async () => {
    await Promise.all([migrate(), migrate(), migrate(), migrate()])
    await migrate()

    const [row] = await db.execute(sql`
      select count(*)::int as count, count(distinct hash)::int as different
      from drizzle.__drizzle_migrations`)
    expect(row?.count).toBeGreaterThan(0)
    expect(row?.different).toBe(row?.count)
  })

  it('is back for everyone within two seconds of its return', async () => {
    const ask = () => db.execute(sql`select 1 as one`)
    const askAll = () => Promise.all(Array.from({ length: 40 }, ask))
    await askAll()

    for (let round = 0; round < 3; round++) {
      await database.kill('SIGKILL')
      // While it is away, whoever asks is told.
      await expect(askAll()).rejects.toThrow()
      await Promise.allSettled(Array.from({ length: 40 }, ask))
      await database.restart()

      await expect.poll(() => askAll().then(() => 'back', String), { timeout: 2_000 }).toBe('back')
    }
  }, 60_000)

  it('names the variable when there is no address', async () => {
    await closeDb()
    const url = process.env.DATABASE_URL
    delete process.env.DATABASE_URL
    try {
      await expect(async () => db.execute(sql`select 1`)).rejects.toThrow('DATABASE_URL is not set')
    } finally {
      process.env.DATABASE_URL = url
    }
  })
})
