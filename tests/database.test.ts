import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDb, db, migrate } from '#schema/db'
import { isUnavailable } from '../runtime/unavailable.ts'
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

  it.each<[string, (away: () => Promise<void>) => Promise<unknown>]>([
    [
      'while it answers',
      (away) => db.transaction((tx) => Promise.all([tx.execute(sql`select pg_sleep(5)`), away()])),
    ],
    [
      'between two questions',
      (away) =>
        db.transaction(async (tx) => {
          await tx.execute(sql`select 1`)
          await away()
          await tx.execute(sql`select 2`)
        }),
    ],
    [
      'and that was caught',
      (away) =>
        db.transaction(async (tx) => {
          const asked = tx.execute(sql`select pg_sleep(5)`).catch(() => 'away')
          await away()
          await asked
        }),
    ],
  ])('fails a transaction, and nothing else, when it goes away %s', async (_when, transact) => {
    const away = () => database.kill('SIGKILL')
    const failure = await transact(away).then(
      () => undefined,
      (error: unknown) => error,
    )
    await database.restart()

    expect(isUnavailable(failure), String(failure)).toBe(true)
    await expect.poll(() => db.execute(sql`select 1`).then(() => 'back', String)).toBe('back')
  })

  it('says whether a transaction was kept', async () => {
    await db.execute(sql`create table if not exists kept (what text)`)
    const add = (what: string) => sql`insert into kept values (${what})`
    await db.transaction((tx) => tx.execute(add('yes')))
    const fault = new Error('no')
    const given = db.transaction(async (tx) => {
      await tx.execute(add('no'))
      throw fault
    })
    await expect(given).rejects.toBe(fault)
    const broken = db.transaction(async (tx) => {
      await tx.execute(add('neither'))
      await tx.execute(sql`select 1 / 0`).catch(() => {})
    })
    await expect(broken).rejects.toThrow()

    const rows = await db.execute(sql`select what from kept`)
    expect(rows.map(({ what }) => what)).toEqual(['yes'])
  })

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
