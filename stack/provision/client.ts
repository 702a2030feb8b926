import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compressFiles } from './compress.ts'

const root = join(import.meta.dirname, '..', '..')
/** Where the built web client is. */
export const clientFolder = join(root, 'dist', 'client')
const mark = join(clientFolder, '.built-of')

/** What it is made of: built again when one of these has changed. */
const sources = ['client/**/*', 'schema/**/*.ts', 'runtime/**/*.ts', 'package-lock.json']

/**
 * Builds the web client, unless it is built of what there is now. Throws with what Vite says is wrong.
 */
export async function buildClient(log: (message: string) => void = () => {}): Promise<void> {
  const digest = digestSources()
  if (existsSync(mark) && readFileSync(mark, 'utf8') === digest) return
  log('building the web client')
  const { build } = await import('vite')
  await build({ configFile: join(root, 'client', 'vite.config.ts'), logLevel: 'error' })
  await compressFiles(clientFolder)
  writeFileSync(mark, digest)
}

function digestSources(): string {
  const hash = createHash('sha256')
  const files = globSync(sources, { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort()) hash.update(file).update('\0').update(readFileSync(file))
  return hash.digest('hex')
}
