import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compressFiles } from './compress.ts'

const root = join(import.meta.dirname, '..', '..')
/** Where the built web client is. */
export const clientFolder = join(root, 'dist', 'client')
/** In it: of what it was built. */
const mark = '.built-of'

/** What it is made of: built again when one of these has changed. */
const sources = ['client/**/*', 'schema/**/*.ts', 'runtime/**/*.ts', 'package-lock.json']

/**
 * Builds the web client, unless it is built of what there is now. Throws with what Vite says is wrong.
 * It is made beside the place where it is served, so that nobody sees half of it: several stacks, of
 * several tests, may find at the same time that it is missing.
 */
export async function buildClient(log: (message: string) => void = () => {}): Promise<void> {
  const digest = digestSources()
  if (isBuiltOf(digest)) return
  log('building the web client')
  const { build } = await import('vite')
  const made = `${clientFolder}-${process.pid}`
  const { NODE_ENV: before = '' } = process.env
  // A test would get another page than people do, with what only developers need.
  process.env.NODE_ENV = 'production'
  try {
    await build({
      configFile: join(root, 'client', 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: made },
    })
    await compressFiles(made)
    writeFileSync(join(made, mark), digest)
    replace(made, digest)
  } finally {
    process.env.NODE_ENV = before
    rmSync(made, { recursive: true, force: true })
  }
}

function isBuiltOf(digest: string): boolean {
  const file = join(clientFolder, mark)
  return existsSync(file) && readFileSync(file, 'utf8') === digest
}

/** Moves it to where the other one was. Each step is whole or not at all, whoever does the same. */
function replace(made: string, digest: string) {
  const old = `${made}-old`
  try {
    if (existsSync(clientFolder)) renameSync(clientFolder, old)
    renameSync(made, clientFolder)
  } catch (error) {
    // Somebody was quicker, with the same.
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
