import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDb, db, migrate } from '#schema/db'
import { isUnavailable } from '../../runtime/nats/unavailable.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { type DatabaseKind, startDatabase } from '../support/servers.ts'

/** Carries what two say to each other until the first question has been asked, and then breaks. */
async function startBreakingWire(url: string) {
  const { hostname, port } = new URL(url)
  let broken = 0
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    let isReady = false
    far.on('data', (data) => {
      // Ready for a question: the server's last word when somebody has come in.
      isReady ||= data.includes(Buffer.from([0x5a, 0, 0, 0, 5]))
      near.write(data)
    })
    near.on('data', (data) => {
      if (!isReady) return far.write(data)
      broken++
      near.resetAndDestroy()
      far.destroy()
    })
    for (const socket of [near, far]) socket.on('error', () => {})
    near.on('close', () => far.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const wire = new URL(url)
  wire.hostname = '127.0.0.1'
  wire.port = String((server.address() as AddressInfo).port)
  return {
    url: wire.href,
    get broken() {
      return broken
    },
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

describe.each<DatabaseKind>(['postgres', 'pglite'])('the database, on %s', (kind) => {
  let dir: string
  let database: ProcessService

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

  it('is back for everyone when it is back, and not when a driver thinks of it', async () => {
    const ask = () => db.execute(sql`select 1 as one`)
    const askAll = () => Promise.all(Array.from({ length: 40 }, ask))
    await askAll()

    for (let round = 0; round < 3; round++) {
      await database.kill('SIGKILL')
      // While it is away, whoever asks is told.
      await expect(askAll()).rejects.toThrow()
      await Promise.allSettled(Array.from({ length: 40 }, ask))
      await database.restart()

      await expect.poll(() => askAll().then(() => 'back', String), { timeout: 10_000 }).toBe('back')
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
          // What answers outlives by a moment what it was started by.
          for (;;) await tx.execute(sql`select 2`)
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

  it('fails a question, and nothing else, when a new connection breaks with it', async () => {
    await using wire = await startBreakingWire(database.url)
    const asking = `
      import { db } from '#schema/db'
      for (const _ of [1, 2]) await db.execute('select 1').catch(() => console.log('away'))
      process.exit()`

    const asked = promisify(execFile)(process.execPath, ['--input-type=module', '-e', asking], {
      env: { ...process.env, DATABASE_URL: wire.url },
    })

    expect(await asked).toMatchObject({ stdout: 'away\naway\n' })
    expect(wire.broken).toBeGreaterThan(0)
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
