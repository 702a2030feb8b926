import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync } from 'node:fs'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from '../../stack/install/cache.ts'
import { startPglite } from '../../stack/services/pglite.ts'

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
  const created = await cached(name, (folder) => create(folder, name), {})
  // The function `cp` of Node is five times slower than this command.
  await run('cp', ['-R', created, join(dir, 'pglite')])
}

async function create(folder: string, name: string) {
  await using pglite = await startPglite({ dir: folder })
  const command = [join(root, 'runtime', 'bin.mjs'), 'migrate', 'functions/', 'apps/']
  const env = { ...process.env, DATABASE_URL: pglite.url }
  await run(process.execPath, command, { cwd: root, env })
  await pglite.stop()
  await rename(join(folder, 'pglite'), join(folder, name))
}

async function digestMigrations(): Promise<string> {
  const files = globSync('{schema,apps/*}/migrations/**/*.{sql,json}', { cwd: root }).sort()
  const hash = createHash('sha256')
  for (const file of files) hash.update(file).update(await readFile(join(root, file)))
  return hash.digest('hex').slice(0, 12)
}
