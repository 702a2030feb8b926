import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { closeDb, configureDb, type Migrations, migrate } from '#schema/db'
import type { AppId } from '#schema/messages/app'
import { requireMigrations } from '../database/require-migrations.ts'
import { findApps, importApp } from './folder.ts'
import { appSchema, type RegisteredApp, registerApps } from './registry.ts'

interface Setup {
  log: Logger
  env: Readonly<Record<string, string | undefined>>
}

/**
 * Returns the function `migrate` that the `_setup.ts` of a folder with apps exports. `migrate` runs
 * the migrations of the chat, and then those of each app. Each app has a PostgreSQL schema of its
 * own.
 */
export function migrateApps(folder: string): (setup: Setup) => Promise<void> {
  return async ({ env }) => {
    configureDb(env)
    await migrate()
    for (const migrations of await findMigrations(folder)) await migrate(migrations)
  }
}

/**
 * Returns the default export for the `_setup.ts` of a folder with apps. The default export
 * registers the apps in the database.
 */
export function setUpApps(folder: string): (setup: Setup) => Promise<AsyncDisposable> {
  return async ({ log, env }) => {
    configureDb(env)
    await requireMigrations()
    for (const migrations of await findMigrations(folder)) await requireMigrations(migrations)
    const names = await findApps(folder)
    const apps = await Promise.all(names.map((name) => importApp(folder, name)))
    const components = env.APP_COMPONENTS || join(folder, '..', 'dist', 'client', 'apps')
    const registered = await Promise.all(
      apps.map(async ({ id, name, version, needs }) => ({
        id,
        name,
        version,
        needs: [...needs],
        ...(await findComponent(id, components)),
      })),
    )
    await registerApps(registered)
    const withoutComponent = registered.filter(
      ({ id, componentUrl }) =>
        componentUrl === null && existsSync(join(folder, id, 'component.tsx')),
    )
    if (withoutComponent.length > 0)
      log.warn(
        { missing: withoutComponent.map(({ id }) => join(components, `${id}-*.js`)) },
        'apps have no built component: run "npm run build", or set APP_COMPONENTS to the folder of a build',
      )
    log.info({ apps: apps.map(({ id }) => id) }, 'apps registered')
    return { [Symbol.asyncDispose]: closeDb }
  }
}

async function findMigrations(folder: string): Promise<Migrations[]> {
  return (await findApps(folder))
    .map((name) => ({ folder: join(folder, name, 'migrations'), schema: appSchema(name as AppId) }))
    .filter((migrations) => existsSync(migrations.folder))
}

type Component = Pick<RegisteredApp, 'componentUrl' | 'integrity'>

/** Finds the built component `{app}-{hash}.js`, the newest one if there are several. */
async function findComponent(app: string, folder: string): Promise<Component> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const files = await Promise.all(
    names
      .filter((name) => name.startsWith(`${app}-`) && name.endsWith('.js'))
      .map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  )
  const [newest] = files.toSorted((a, b) => b.at - a.at)
  if (!newest) return { componentUrl: null, integrity: null }
  const content = await readFile(join(folder, newest.name))
  const digest = createHash('sha384').update(content).digest('base64')
  return { componentUrl: `/apps/${newest.name}`, integrity: `sha384-${digest}` }
}
