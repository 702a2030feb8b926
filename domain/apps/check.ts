import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { findApps, importApp } from './folder.ts'

interface Problem {
  file: string
  reason: string
}

/**
 * Returns the function `check` that the `_setup.ts` of a folder with apps exports. With it,
 * `runtime check` reports an app that is not named after its folder, and tables without a
 * migration.
 */
export function checkApps(folder: string): () => Promise<Problem[]> {
  return async () => {
    const names = await findApps(folder)
    const problems = names.map(async (name) => [
      ...(await findWrongId(folder, name)),
      ...(await findMissingMigration(folder, name)),
    ])
    return (await Promise.all(problems)).flat()
  }
}

async function findWrongId(folder: string, name: string): Promise<Problem[]> {
  return importApp(folder, name).then(
    () => [],
    ({ message }: Error) => [{ file: join(folder, name, 'index.ts'), reason: message }],
  )
}

async function findMissingMigration(folder: string, name: string): Promise<Problem[]> {
  const file = join(folder, name, 'tables.ts')
  if (!existsSync(file)) return []
  // drizzle-kit is a development dependency. An installation without it only runs apps. Their
  // tables are not changed there, so they are not checked.
  const drizzleKit = await import('drizzle-kit/api').catch(() => undefined)
  if (!drizzleKit) return []
  const tables = await import(pathToFileURL(file).href)
  const current = JSON.parse(JSON.stringify(drizzleKit.generateDrizzleJson(tables)))
  const migrated = await readLastSnapshot(join(folder, name, 'migrations', 'meta'))
  if (isDeepStrictEqual(withoutIds(current), migrated && withoutIds(migrated))) return []
  const command = `npm run db:generate -- --app ${name} --name what-changed`
  return [{ file, reason: `its tables differ from those of the migrations: run ${command}` }]
}

/** Returns drizzle-kit's snapshot of the tables after the last migration, or undefined if there is none. */
async function readLastSnapshot(meta: string): Promise<object | undefined> {
  const journal = join(meta, '_journal.json')
  if (!existsSync(journal)) return undefined
  const last = JSON.parse(await readFile(journal, 'utf8')).entries.at(-1)
  if (!last) return undefined
  const number = `${last.idx}`.padStart(4, '0')
  return JSON.parse(await readFile(join(meta, `${number}_snapshot.json`), 'utf8'))
}

/** Removes the ids of a snapshot before a comparison, because they are random. */
function withoutIds(snapshot: object) {
  return { ...snapshot, id: undefined, prevId: undefined }
}
