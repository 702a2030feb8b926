import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..')
export const clientFolder = join(root, 'dist', 'client')
const digestFile = '.built-of'

const sources = [
  'client/**/*',
  'apps/**/*.{ts,tsx,css}',
  'schema/**/*.ts',
  'runtime/**/*.ts',
  'package-lock.json',
]

/**
 * Builds the page and the components of the apps, unless they are up to date. The new page is built
 * in another folder, because another process may be serving the old page. The build needs 500 MB of
 * memory, which Node would not release afterwards. So it runs in a process of its own.
 */
export async function buildClient(log: (message: string) => void = () => {}): Promise<void> {
  const digest = digestSources()
  if (isBuiltOf(digest)) return
  log('building the web client')
  const made = `${clientFolder}-${process.pid}`
  const script = join(import.meta.dirname, 'client-build.ts')
  // vitest sets NODE_ENV to another value, with which Vite would build the page for development.
  const env = { ...process.env, NODE_ENV: 'production' }
  try {
    await promisify(execFile)(process.execPath, [script, made], { env })
    writeFileSync(join(made, digestFile), digest)
    replace(made, digest)
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

function isBuiltOf(digest: string): boolean {
  const file = join(clientFolder, digestFile)
  return existsSync(file) && readFileSync(file, 'utf8') === digest
}

/**
 * Moves the old page away and the new page into its place. Each step is an atomic rename, because
 * another process may replace the page at the same time.
 */
function replace(made: string, digest: string) {
  const old = `${made}-old`
  try {
    if (existsSync(clientFolder)) renameSync(clientFolder, old)
    renameSync(made, clientFolder)
  } catch (error) {
    // Ignores the error if another process has already moved an identical page into place.
    if (!isBuiltOf(digest)) throw error
  } finally {
    rmSync(old, { recursive: true, force: true })
  }
}

function digestSources(): string {
  const hash = createHash('sha256')
  const files = globSync(sources, { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort()) hash.update(file).update('\0').update(readFileSync(file))
  return hash.digest('hex')
}
