import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from '../../stack/install/cache.ts'

const root = join(import.meta.dirname, '..', '..')
const manifest = join(root, 'node_modules', '@electric-sql', 'pglite', 'package.json')
const run = promisify(execFile)

/** Copies an empty database into `dir`, because PGlite takes three seconds to create one. */
export async function copyPglite(dir: string): Promise<void> {
  const { version } = JSON.parse(await readFile(manifest, 'utf8'))
  const name = `pglite-${version}`
  const init = join(root, 'stack', 'services', 'pglite-init.ts')
  const create = (folder: string) => run(process.execPath, [init, join(folder, name)])
  const created = await cached(name, async (folder) => void (await create(folder)), {})
  // `cp` of Node is five times slower.
  await run('cp', ['-R', created, join(dir, 'pglite')])
}
