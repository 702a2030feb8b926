import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres, { type ReservedSql, type Sql, type TransactionSql } from 'postgres'
import { advisoryLocks } from './advisory-locks.ts'
import { traceStatement } from './trace-statement.ts'

export type Database = PostgresJsDatabase & { $client: Sql }

const defaultPoolSize = 8

const ownMigrations: Migrations = {
  folder: fileURLToPath(new URL('migrations', import.meta.url)),
  schema: 'drizzle',
}

let variables: Readonly<Record<string, string | undefined>> = process.env
let open: Database | undefined

/**
 * The database at DATABASE_URL, either PostgreSQL or PGlite. Connects at the first query. PGlite
 * runs one transaction at a time: a transaction that awaits a query on another connection never
 * ends.
 */
export const db: Database = new Proxy({} as Database, {
  get(_, key) {
    open ??= openPool()
    const value: unknown = Reflect.get(open, key)
    return typeof value === 'function' && key !== '$client' ? value.bind(open) : value
  },
})

/**
 * Makes `db` read DATABASE_URL and DATABASE_POOL_SIZE from `env`. Without this call, they are read
 * from `process.env`.
 */
export function configureDb(env: typeof variables): void {
  variables = env
}

/** Throws an error if the database does not answer a query. */
export async function pingDb(): Promise<void> {
  await db.$client`select 1`
}

/** Waits up to five seconds for running queries, then disconnects. */
export async function closeDb(): Promise<void> {
  const closing = open
  open = undefined
  await closing?.$client.end({ timeout: 5 })
}

/**
 * Opens a pool of connections. If one connection is lost, the whole pool is closed, and the next
 * query opens a new pool. If the driver reconnected within the pool instead, queries that it had
 * not sent yet could block a connection for ever.
 */
function openPool(): Database {
  const lost = new AbortController()
  const client = connect(readPoolSize(), () => {
    if (open !== pool) return
    open = undefined
    lost.abort(connectionLost())
    void client.end({ timeout: 2 })
  })
  client.begin = transactUntil(lost.signal, client) as Sql['begin']
  // Drizzle runs all queries through `unsafe`. By default, `unsafe` does not prepare statements,
  // which costs a second round trip for each query. So this turns prepared statements on.
  const unsafe = client.unsafe
  client.unsafe = (query, values, options) =>
    traceStatement(query, () => unsafe(query, values, { prepare: true, ...options }))
  const pool: Database = drizzle(client)
  return pool
}

export interface Migrations {
  folder: string
  schema: string
}

/**
 * Returns how many migrations of a folder are missing in the database. The default folder is
 * schema/migrations/.
 */
export async function countMissingMigrations(migrations = ownMigrations): Promise<number> {
  const { folder, schema } = migrations
  const applied = await readApplied(`${schema}.__drizzle_migrations`, db.$client).catch(explain)
  const all = readMigrationFiles({ migrationsFolder: folder })
  return all.filter(({ hash }) => !applied.has(hash)).length
}

/**
 * Applies the missing migrations of a folder in one transaction. The default folder is
 * schema/migrations/. With PostgreSQL, an advisory lock lets only one process migrate at a time.
 */
export async function migrate({ folder, schema }: Migrations = ownMigrations): Promise<void> {
  const migrations = readMigrationFiles({ migrationsFolder: folder })
  const lost = new AbortController()
  const client = connect(1, () => lost.abort(connectionLost()))
  const transact = transactUntil(lost.signal, client)
  try {
    await transact(async (sql) => {
      await sql`select pg_advisory_xact_lock(${advisoryLocks.migration})`
      await configurePlanner(sql)
      const table = `${schema}.__drizzle_migrations`
      const applied = await readApplied(table, sql)
      for (const { hash, folderMillis, sql: statements } of migrations) {
        if (applied.has(hash)) continue
        for (const statement of statements) await sql.unsafe(statement)
        // This comes after the statements of the migration, because the first migration of an app
        // may create the schema itself.
        await sql`create schema if not exists ${sql(schema)}`
        await sql`create table if not exists ${sql(table)}
          (id serial primary key, hash text not null, created_at bigint)`
        await sql`insert into ${sql(table)} (hash, created_at) values (${hash}, ${folderMillis})`
      }
    })
  } catch (error) {
    explain(error)
  } finally {
    await client.end({ timeout: 5 })
  }
}

/** Node's codes for certificates: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const certificateCodes = /CERT|^UNABLE_TO_|^HOSTNAME_MISMATCH$|^INVALID_(CA|PURPOSE)$/

function explain(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException
  if (!certificateCodes.test(code ?? '')) throw error
  throw new Error(
    `DATABASE_URL: the certificate of the database cannot be verified: ${message}. For a private ` +
      'authority, set NODE_EXTRA_CA_CERTS to the file of its certificate',
    { cause: error },
  )
}

async function readApplied(table: string, sql: TransactionSql | Sql): Promise<Set<string>> {
  const [found] = await sql`select to_regclass(${table}) is not null as exists`
  if (!found?.exists) return new Set()
  const rows = await sql`select hash from ${sql(table)}`
  return new Set(rows.map((row) => row.hash))
}

/**
 * Sets the two settings below for later sessions of the current database role. A migration does not
 * set them, because it runs once, for one role: another role would keep the defaults. They are not
 * startup parameters of the connections either: PgBouncer rejects a connection with such parameters,
 * or ignores them if its configuration says so.
 *
 * - JIT compilation is off. Otherwise, PostgreSQL spends up to a second on compiling a statement
 *   that runs for milliseconds.
 * - Prepared statements always use their generic plan. Otherwise, PostgreSQL plans statements with
 *   a `limit` parameter at each call, which can take longer than their execution.
 */
async function configurePlanner(sql: TransactionSql): Promise<void> {
  await sql`
    do $$
    declare
      setting text := format('alter role current_user in database %I set ', current_database());
    begin
      execute setting || 'plan_cache_mode = force_generic_plan';
      if pg_jit_available() then
        execute setting || 'jit = off';
      end if;
    exception when insufficient_privilege then
      raise warning 'This role may not configure its sessions: set jit = off and plan_cache_mode = '
        'force_generic_plan for the database';
    end $$`
}

/**
 * Returns a replacement for the driver's `begin`, without savepoints. If the connection is lost in
 * a transaction, the driver's `begin` writes `rollback` to the closed socket. This causes an error
 * that cannot be caught and ends the process.
 */
function transactUntil(lost: AbortSignal, client: Sql) {
  return async <T>(work: (sql: TransactionSql) => Promise<T>): Promise<T> => {
    const reserved = await client.reserve()
    const sql = guard(reserved, lost)
    try {
      await sql`begin`
      const value = await work(sql as unknown as TransactionSql)
      const { command } = await sql`commit`
      if (command !== 'COMMIT')
        throw new Error(
          'The transaction was rolled back: a query in it failed, and its error was ignored',
        )
      return value
    } catch (error) {
      // An error of the rollback must not replace the original error.
      if (!lost.aborted) await sql`rollback`.catch(() => {})
      throw error
    } finally {
      if (!lost.aborted) reserved.release()
    }
  }
}

/**
 * Returns a proxy of the connection that traces all statements. After `lost` is aborted, each use
 * throws.
 */
function guard(sql: ReservedSql, lost: AbortSignal): ReservedSql {
  const unsafe: typeof sql.unsafe = (query, ...others) =>
    traceStatement(query, () => sql.unsafe(query, ...others))
  return new Proxy(sql, {
    apply(target, self, args) {
      lost.throwIfAborted()
      const [strings] = args
      const run = () => Reflect.apply(target, self, args)
      // A call without a template string is no query, but creates a part of one, such as an
      // identifier.
      return strings?.raw ? traceStatement(strings.join('?'), run) : run()
    },
    get(target, key) {
      lost.throwIfAborted()
      if (key === 'unsafe') return unsafe
      return Reflect.get(target, key)
    },
  })
}

function connectionLost() {
  const message = 'The connection to the database was lost during a transaction'
  return Object.assign(new Error(message), { code: 'CONNECTION_CLOSED' })
}

/**
 * Returns true if the error comes from the query for array types, which the driver runs on each new
 * connection. Do not switch this query off: without it, the driver never hands a new connection to
 * a transaction.
 */
export function isDriverQueryError(error: unknown): boolean {
  const { query } = (error ?? {}) as { query?: unknown }
  return typeof query === 'string' && /select b\.oid, b\.typarray\s+from pg_catalog/.test(query)
}

// Without this handler, the process ends if the connection is lost during the driver's query for
// array types. Ignoring the error is safe: the query for which the driver connected fails as well.
process.on('unhandledRejection', (error) => {
  if (!isDriverQueryError(error)) throw error
})

function connect(max: number, onclose: () => void): Sql {
  return postgres(readUrl(), {
    max,
    onclose,
    onnotice: () => {},
    connect_timeout: 5,
    // Delay between two attempts to connect, in seconds. With the driver's default, callers could
    // wait for 20 s although the database is available again.
    backoff: () => 0.2,
    connection: {
      application_name: 'natter',
      // In milliseconds. Without this limit, a process that freezes in a transaction would hold its
      // locks for ever.
      idle_in_transaction_session_timeout: 10_000,
    },
  })
}

function readPoolSize(): number {
  const value = variables.DATABASE_POOL_SIZE
  if (!value) return defaultPoolSize
  const size = Number(value)
  if (Number.isInteger(size) && size >= 1 && size <= 1_000) return size
  throw new Error(`DATABASE_POOL_SIZE is "${value}": use a whole number from 1 to 1000, such as 8`)
}

function readUrl(): string {
  const url = variables.DATABASE_URL
  if (!url)
    throw new Error('DATABASE_URL is not set; example: postgres://user:password@host:5432/database')
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new Error('DATABASE_URL must begin with postgres:// or postgresql://')
  // The URL is checked here, because the driver's own error would contain the URL with the
  // password.
  if (!isParsable(url))
    throw new Error(
      'DATABASE_URL is not a valid URL: write @ / : , # ? and % of a password as ' +
        '%40 %2F %3A %2C %23 %3F %25; example: postgres://user:password@host:5432/database',
    )
  return url
}

/** Returns whether the driver can parse the URL, which may list several hosts. */
function isParsable(url: string) {
  try {
    return URL.canParse(decodeURIComponent(url) && url.replace(/(@[^/?,]*),[^/?]*/, '$1'))
  } catch {
    return false
  }
}
