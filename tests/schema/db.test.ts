import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { inspect, promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { closeDb, db, migrate } from '#schema/db'
import { isUnavailable } from '../../runtime/nats/unavailable.ts'
import { useDatabase } from '../support/database-fixture.ts'
import type { DatabaseKind } from '../support/servers.ts'

async function startBreakingProxy(url: string) {
  const { hostname, port } = new URL(url)
  let resets = 0
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    let isReady = false
    upstream.on('data', (data) => {
      // These bytes are the message ReadyForQuery, which ends the startup of a connection. At the
      // first query after this startup, the proxy resets the connection.
      isReady ||= data.includes(Buffer.from([0x5a, 0, 0, 0, 5]))
      client.write(data)
    })
    client.on('data', (data) => {
      if (!isReady) return upstream.write(data)
      resets++
      client.resetAndDestroy()
      upstream.destroy()
    })
    for (const socket of [client, upstream]) socket.on('error', () => {})
    client.on('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxied = new URL(url)
  proxied.hostname = '127.0.0.1'
  proxied.port = String((server.address() as AddressInfo).port)
  return {
    url: proxied.href,
    get resets() {
      return resets
    },
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

describe.each<DatabaseKind>(['postgres', 'pglite'])('db, on %s', (kind) => {
  const database = useDatabase(kind)

  it('applies each migration once for concurrent calls of migrate', async () => {
    await Promise.all([migrate(), migrate(), migrate(), migrate()])
    await migrate()

    const [row] = await db.execute(sql`
      select count(*)::int as count, count(distinct hash)::int as different
      from drizzle.__drizzle_migrations`)
    expect(row?.count).toBeGreaterThan(0)
    expect(row?.different).toBe(row?.count)
  })

  it('turns JIT compilation and custom plans off for every role that has run the migrations', async () => {
    const settings = async () => {
      const [row] = await db.execute(
        sql`select pg_jit_available() and current_setting('jit')::boolean as jit,
          current_setting('plan_cache_mode') as plans`,
      )
      return row
    }
    const expected = { jit: false, plans: 'force_generic_plan' }
    expect(await settings()).toEqual(expected)
    if (kind === 'pglite') return

    await db.execute(sql`create role another login superuser`)
    await closeDb()
    process.env.DATABASE_URL = database().url.replace('postgres@', 'another@')
    try {
      await migrate()
      expect(await settings()).toEqual(expected)
    } finally {
      await closeDb()
      process.env.DATABASE_URL = database().url
    }
  })

  it('serves all callers again as soon as the database is available again', async () => {
    const query = () => db.execute(sql`select 1 as one`)
    const queryAll = () => Promise.all(Array.from({ length: 40 }, query))
    await queryAll()

    for (let round = 0; round < 3; round++) {
      await database().kill('SIGKILL')
      await expect(queryAll()).rejects.toThrow()
      await Promise.allSettled(Array.from({ length: 40 }, query))
      await database().restart()

      await expect.poll(() => queryAll().then(() => 'back', String)).toBe('back')
    }
  }, 60_000)

  it.each<[string, (killDatabase: () => Promise<void>) => Promise<unknown>]>([
    [
      'during a query',
      (killDatabase) =>
        db.transaction((tx) => Promise.all([tx.execute(sql`select pg_sleep(5)`), killDatabase()])),
    ],
    [
      'between two queries',
      (killDatabase) =>
        db.transaction(async (tx) => {
          await tx.execute(sql`select 1`)
          await killDatabase()
          // The query is repeated until it fails: PostgreSQL's backend processes outlive the killed
          // server process for a moment.
          for (;;) await tx.execute(sql`select 2`)
        }),
    ],
    [
      'during a query whose failure is ignored',
      (killDatabase) =>
        db.transaction(async (tx) => {
          const query = tx.execute(sql`select pg_sleep(5)`).catch(() => 'failed')
          await killDatabase()
          await query
        }),
    ],
  ])('fails only the transaction when its connection is lost %s', async (_when, transact) => {
    const killDatabase = () => database().kill('SIGKILL')
    const failure = await transact(killDatabase).then(
      () => undefined,
      (error: unknown) => error,
    )
    await database().restart()

    expect(isUnavailable(failure), String(failure)).toBe(true)
    await expect.poll(() => db.execute(sql`select 1`).then(() => 'back', String)).toBe('back')
  })

  it('rolls back and rejects a transaction that throws, or that ignores the failure of a query', async () => {
    await db.execute(sql`create table if not exists committed (name text)`)
    const add = (name: string) => sql`insert into committed values (${name})`
    await db.transaction((tx) => tx.execute(add('yes')))
    const fault = new Error('no')
    const thrown = db.transaction(async (tx) => {
      await tx.execute(add('no'))
      throw fault
    })
    await expect(thrown).rejects.toBe(fault)
    const ignored = db.transaction(async (tx) => {
      await tx.execute(add('neither'))
      await tx.execute(sql`select 1 / 0`).catch(() => {})
    })
    await expect(ignored).rejects.toThrow()

    const rows = await db.execute(sql`select name from committed`)
    expect(rows.map(({ name }) => name)).toEqual(['yes'])
  })

  it('fails only the query, and not the process, when a new connection is reset', async () => {
    await using proxy = await startBreakingProxy(database().url)
    const script = `
      import { db } from '#schema/db'
      for (const _ of [1, 2]) await db.execute('select 1').catch(() => console.log('failed'))
      process.exit()`

    const result = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, DATABASE_URL: proxy.url },
    })

    expect(await result).toMatchObject({ stdout: 'failed\nfailed\n' })
    expect(proxy.resets).toBeGreaterThan(0)
  })

  it('opens DATABASE_POOL_SIZE connections, and no more, for concurrent queries', async () => {
    if (kind === 'pglite') return
    await closeDb()
    process.env.DATABASE_POOL_SIZE = '3'
    try {
      await Promise.all(Array.from({ length: 9 }, () => db.execute(sql`select pg_sleep(0.1)`)))
      const [row] = await db.execute(sql`
        select count(*)::int as count from pg_stat_activity where application_name = 'natter'`)
      expect(row?.count).toBe(3)
    } finally {
      await closeDb()
      delete process.env.DATABASE_POOL_SIZE
    }
  })

  it.each(['0', '2.5', 'many'])('rejects the DATABASE_POOL_SIZE %s', async (size) => {
    await closeDb()
    process.env.DATABASE_POOL_SIZE = size
    try {
      await expect(async () => db.execute(sql`select 1`)).rejects.toThrow(
        `DATABASE_POOL_SIZE is "${size}": use a whole number`,
      )
    } finally {
      delete process.env.DATABASE_POOL_SIZE
    }
  })

  it('throws an error that names DATABASE_URL if this variable is not set', async () => {
    await closeDb()
    const url = process.env.DATABASE_URL
    delete process.env.DATABASE_URL
    try {
      await expect(async () => db.execute(sql`select 1`)).rejects.toThrow('DATABASE_URL is not set')
    } finally {
      process.env.DATABASE_URL = url
    }
  })

  // secretlint-disable-next-line
  it.each(['postgres://me:hunter2/x@h/db', 'postgres://me:hunter2%zz@h/db'])(
    'rejects the DATABASE_URL %s, and the error does not contain it',
    async (invalid) => {
      await closeDb()
      const url = process.env.DATABASE_URL
      process.env.DATABASE_URL = invalid
      try {
        const error = await (async () => db.execute(sql`select 1`))().catch((error) => error)
        expect(error.message).toContain('DATABASE_URL is not a valid URL')
        expect(inspect(error)).not.toContain('hunter2')
      } finally {
        process.env.DATABASE_URL = url
      }
    },
  )
})
