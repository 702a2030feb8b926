import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync } from 'node:fs'
import { chmod, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from '../../stack/install/cache.ts'
import { output } from '../../stack/install/command.ts'
import { findPostgres } from '../../stack/install/postgres.ts'
import { startPglite } from '../../stack/services/pglite.ts'
import { startPostgres } from '../../stack/services/postgres.ts'
import type { ProcessService } from '../../stack/services/service.ts'

const root = join(import.meta.dirname, '..', '..')
const manifest = join(root, 'node_modules', '@electric-sql', 'pglite', 'package.json')
const run = promisify(execFile)

/**
 * Copies a database with all tables, but without rows, into `dir`. PGlite takes seconds to create a
 * database and its tables, and the copy saves that time.
 */
export async function copyPglite(dir: string): Promise<void> {
  const { version } = JSON.parse(await readFile(manifest, 'utf8'))
  const name = `pglite-${version}-${await digestMigrations()}`
  const create = async (folder: string) => {
    await using pglite = await startPglite({ dir: folder })
    await migrate(pglite.url)
    await pglite.stop()
    await rename(join(folder, 'pglite'), join(folder, name))
  }
  // The function `cp` of Node is five times slower than this command.
  await run('cp', ['-R', await cached(name, create, {}), join(dir, 'pglite')])
}

/** Starts PostgreSQL with all tables, but without rows. `stop` deletes the data. */
export async function startMigratedPostgres(dir: string): Promise<ProcessService> {
  const binaries = await findPostgres()
  const version = (await output(join(binaries, 'postgres'), ['--version'])).replace(/[^\d.]+/g, ' ')
  const name = `postgres-${version.trim().split(' ')[0]}-${await digestMigrations()}`
  const create = async (folder: string) => {
    await using postgres = await startPostgres({ dir: folder, binaries })
    await migrate(postgres.url)
    const backup = ['-d', postgres.url, '-D', join(folder, name), '-X', 'fetch', '-c', 'fast']
    await run(join(binaries, 'pg_basebackup'), backup)
    await chmod(join(folder, name), 0o700)
  }
  return startPostgres({ dir, binaries, template: await cached(name, create, {}) })
}

async function migrate(url: string) {
  const command = [join(root, 'runtime', 'bin.mjs'), 'migrate', 'functions/', 'apps/']
  const env = { ...process.env, DATABASE_URL: url }
  await run(process.execPath, command, { cwd: root, env })
}

async function digestMigrations(): Promise<string> {
  const files = globSync('{schema,apps/*}/migrations/**/*.{sql,json}', { cwd: root }).sort()
  const hash = createHash('sha256')
  for (const file of files) hash.update(file).update(await readFile(join(root, file)))
  return hash.digest('hex').slice(0, 12)
}
