import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres, { type ReservedSql, type Sql, type TransactionSql } from 'postgres'

export type Database = PostgresJsDatabase & { $client: Sql }

/** One process asks this many things at once; the rest wait their turn. */
const poolSize = 8

/** Only means something to the other processes that migrate: they wait for whoever has it. */
const migrationLock = 6_288_437

let open: Database | undefined

/**
 * The database at DATABASE_URL, connected on first use. Behind the URL is PostgreSQL, or PGlite,
 * which runs one transaction at a time: inside one, never wait for a query outside of it.
 */
export const db: Database = new Proxy({} as Database, {
  get(_, key) {
    open ??= openPool()
    const value: unknown = Reflect.get(open, key)
    return typeof value === 'function' && key !== '$client' ? value.bind(open) : value
  },
})

/** Lets running queries finish, for five seconds at most, and disconnects. The next use connects again. */
export async function closeDb(): Promise<void> {
  const closing = open
  open = undefined
  await closing?.$client.end({ timeout: 5 })
}

/**
 * A pool that is given up with the first connection it loses. The driver would use that connection
 * again, and what it had not sent when it broke can stay in its way for ever: after an outage, most
 * of a pool answered nothing but timeouts.
 */
function openPool(): Database {
  const lost = new AbortController()
  const client = connect(poolSize, () => {
    if (open !== pool) return
    open = undefined
    lost.abort(connectionLost())
    void client.end({ timeout: 2 })
  })
  client.begin = transactUntil(lost.signal, client) as Sql['begin']
  // Through this drizzle asks everything, and would have each query parsed anew before it is run: a
  // second round trip every time.
  const unsafe = client.unsafe
  client.unsafe = (query, values, options) => unsafe(query, values, { prepare: true, ...options })
  const pool: Database = drizzle(client)
  return pool
}

/**
 * Brings the tables up to date. What is missing is found and applied within one transaction, so any
 * number of processes may try at once: PostgreSQL makes them wait for the lock, PGlite, whose locks
 * exclude nobody, for the transaction. The record is kept where drizzle-kit keeps it.
 */
export async function migrate(): Promise<void> {
  const folder = fileURLToPath(new URL('migrations', import.meta.url))
  const migrations = readMigrationFiles({ migrationsFolder: folder })
  const lost = new AbortController()
  const client = connect(1, () => lost.abort(connectionLost()))
  const transact = transactUntil(lost.signal, client)
  try {
    await transact(async (sql) => {
      await sql`select pg_advisory_xact_lock(${migrationLock})`
      await sql`create schema if not exists drizzle`
      await sql`create table if not exists drizzle.__drizzle_migrations
        (id serial primary key, hash text not null, created_at bigint)`
      const rows = await sql`select hash from drizzle.__drizzle_migrations`
      const applied = new Set(rows.map((row) => row.hash))
      for (const { hash, folderMillis, sql: statements } of migrations) {
        if (applied.has(hash)) continue
        for (const statement of statements) await sql.unsafe(statement)
        await sql`insert into drizzle.__drizzle_migrations (hash, created_at)
          values (${hash}, ${folderMillis})`
      }
    })
  } finally {
    await client.end({ timeout: 5 })
  }
}

/**
 * As the driver's own, but once a connection is lost, nothing more is said. The driver would say
 * `rollback`, or what its caller says next, to a socket that is gone; that ends the process, and nobody
 * can catch it. There are no savepoints.
 */
function transactUntil(lost: AbortSignal, client: Sql) {
  return async <T>(work: (sql: TransactionSql) => Promise<T>): Promise<T> => {
    const reserved = await client.reserve()
    const sql = guard(reserved, lost)
    try {
      await sql`begin`
      const value = await work(sql as unknown as TransactionSql)
      const { command } = await sql`commit`
      if (command !== 'COMMIT') throw new Error('The transaction failed, and that was overlooked')
      return value
    } catch (error) {
      // The first reason is the one to tell.
      if (!lost.aborted) await sql`rollback`.catch(() => {})
      throw error
    } finally {
      if (!lost.aborted) reserved.release()
    }
  }
}

/** Throws for whatever is asked of it too late. */
function guard(sql: ReservedSql, lost: AbortSignal): ReservedSql {
  return new Proxy(sql, {
    apply(target, self, args) {
      lost.throwIfAborted()
      return Reflect.apply(target, self, args)
    },
    get(target, key) {
      lost.throwIfAborted()
      return Reflect.get(target, key)
    },
  })
}

function connectionLost() {
  const message = 'The connection to the database was lost within a transaction'
  return Object.assign(new Error(message), { code: 'CONNECTION_CLOSED' })
}

/**
 * Whether something that nobody caught is what became of the driver's own question: it asks each new
 * connection for the types of arrays, and lets nobody catch that. Without that question it would never
 * lend a new connection for a transaction.
 */
export function isDriversOwn(error: unknown): boolean {
  const { query } = (error ?? {}) as { query?: unknown }
  return typeof query === 'string' && /select b\.oid, b\.typarray\s+from pg_catalog/.test(query)
}

// A database that goes away right then would end the process. Whoever asked is told by another way.
process.on('unhandledRejection', (error) => {
  if (!isDriversOwn(error)) throw error
})

function connect(max: number, onclose: () => void): Sql {
  return postgres(readUrl(), {
    max,
    onclose,
    onnotice: () => {},
    connect_timeout: 5,
    // Seconds between two attempts. The driver's own grow to twenty, with the callers waiting, when
    // the database has long been back.
    backoff: () => 0.2,
    connection: {
      application_name: 'natter',
      // A process that is frozen in the middle of a transaction must not hold a room for ever.
      idle_in_transaction_session_timeout: 10_000,
    },
  })
}

function readUrl(): string {
  const url = process.env.DATABASE_URL
  if (!url)
    throw new Error('DATABASE_URL is not set: say postgres://user:password@host:5432/database')
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new Error('DATABASE_URL must begin with postgres:// or postgresql://')
  return url
}
