import postgres, { type Sql } from 'postgres'
import { migrate } from '../schema/db.ts'
import { findPostgres } from '../stack/install/postgres.ts'
import { startPostgres } from '../stack/services/postgres.ts'
import { cleanUpOnExit, createFolder } from './cleanup.ts'

export async function startDatabase(
  stack: AsyncDisposableStack,
  fill: (sql: Sql) => Promise<void>,
): Promise<string> {
  const dir = await createFolder(stack)
  const binaries = await findPostgres({ log: console.error })
  const database = stack.use(await startPostgres({ dir, binaries }))
  const sql = postgres(database.url, { max: 1 })
  const [{ data_directory: data } = {}] = await sql`show data_directory`
  const addProcess = cleanUpOnExit(stack, [dir, data])
  if (database.pid) addProcess(database.pid)

  process.env.DATABASE_URL = database.url
  await migrate()
  await fill(sql)
  await sql.end()
  return database.url
}
