import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDb, db, migrate } from '#schema/db'
import { findPgbouncer } from '../../stack/install/pgbouncer.ts'
import { freePort } from '../../stack/ports.ts'
import { unprivilegedUser } from '../../stack/services/postgres.ts'
import { startProcess } from '../../stack/services/process.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { useDatabase } from '../support/database-fixture.ts'
import { canRun } from '../support/programs.ts'

describe.skipIf(!(await canRun(findPgbouncer)))('PgBouncer with pool_mode session', () => {
  const database = useDatabase('postgres')
  let dir: string
  let pgbouncer: ProcessService

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-pgbouncer-'))
    pgbouncer = await startPgbouncer(dir, new URL(database().url))
    process.env.DATABASE_URL = pgbouncer.url
  })
  afterAll(async () => {
    await closeDb()
    await pgbouncer?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it('passes migrations, concurrent queries and transactions on to PostgreSQL', async () => {
    await migrate()

    const values = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        db.transaction(async (tx) => {
          const [row] = await tx.execute(sql`select ${index}::int as value, count(*) from rooms`)
          return row?.value
        }),
      ),
    )

    expect(values).toEqual(Array.from({ length: 200 }, (_, index) => index))
  })

  it('is used again after it was restarted', async () => {
    await pgbouncer.kill('SIGKILL')
    await expect(db.execute(sql`select 1 as one`)).rejects.toThrow()
    await pgbouncer.restart()

    const query = () => db.execute(sql`select 1 as one`).then(([row]) => row?.one, String)
    await expect.poll(query).toBe(1)
  })
})

async function startPgbouncer(dir: string, { hostname, port }: URL): Promise<ProcessService> {
  // PgBouncer runs as another user, who must be able to read its configuration.
  await chmod(dir, 0o755)
  const listenPort = await freePort()
  await writeFile(join(dir, 'users.txt'), '"postgres" ""\n')
  await writeFile(
    join(dir, 'pgbouncer.ini'),
    `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = trust
auth_file = ${join(dir, 'users.txt')}
pool_mode = session
ignore_startup_parameters = idle_in_transaction_session_timeout
`,
  )
  const file = await findPgbouncer()
  return startProcess({
    dir,
    name: 'pgbouncer',
    user: await unprivilegedUser(),
    command: () => ({ file, args: [join(dir, 'pgbouncer.ini')], env: process.env }),
    async ready(log, from, signal) {
      await log.line(/process up: PgBouncer/, { from, signal, within: 30_000 })
      return `postgres://postgres@127.0.0.1:${listenPort}/postgres`
    },
  })
}
