/** A PostgreSQL with the product's tables, in a new folder. */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { migrate } from '../schema/db.ts'
import { findPostgres } from '../stack/install/postgres.ts'
import { startPostgres } from '../stack/services/postgres.ts'

/** Starts it, lets it be filled, and answers with its url. */
export async function startDatabase(
  started: AsyncDisposableStack,
  fill: (sql: Sql) => Promise<void>,
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'natter-bench-'))
  started.defer(() => rm(dir, { recursive: true, force: true }))
  const binaries = await findPostgres({ log: console.error })
  const database = started.use(await startPostgres({ dir, binaries }))
  const sql = postgres(database.url, { max: 1 })
  const [{ data_directory: data } = {}] = await sql`show data_directory`
  leaveNothing(started, database.pid, [dir, data])

  process.env.DATABASE_URL = database.url
  await migrate()
  await fill(sql)
  await sql.end()
  return database.url
}

/** A bench that is interrupted, or fails, ends its server and takes the folders along. */
function leaveNothing(started: AsyncDisposableStack, pid: number | undefined, folders: string[]) {
  const clear = () => {
    try {
      if (pid) process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', clear)
  started.defer(() => void process.off('exit', clear))
}
