import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Logger } from 'pino'
import { closeDb, configureDb, migrate } from '#schema/db'
import type { AppDefinition } from './define-app.ts'
import { appSchema, type RegisteredApp, registerApps } from './registry.ts'

interface Setup {
  log: Logger
  env: Readonly<Record<string, string | undefined>>
}

/**
 * Returns the `_setup.ts` of a folder with apps. It applies the migrations of each app to the app's own
 * schema, and registers the apps.
 */
export function setUpApps(folder: string): (setup: Setup) => Promise<AsyncDisposable> {
  return async ({ log, env }) => {
    configureDb(env)
    await migrate()
    const apps = await importApps(folder)
    for (const { id } of apps) {
      const migrations = join(folder, id, 'migrations')
      if (existsSync(migrations)) await migrate({ folder: migrations, schema: appSchema(id) })
    }
    const components = env.APP_COMPONENTS || join(folder, '..', 'dist', 'client', 'apps')
    await registerApps(
      await Promise.all(
        apps.map(async ({ id, name, version, needs }) => ({
          id,
          name,
          version,
          needs: [...needs],
          ...(await findComponent(id, components)),
        })),
      ),
    )
    log.info({ apps: apps.map(({ id }) => id) }, 'apps registered')
    return { [Symbol.asyncDispose]: closeDb }
  }
}

async function importApps(folder: string): Promise<AppDefinition[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
    .map(({ name }) => name)
    .filter((name) => existsSync(join(folder, name, 'index.ts')))
  return Promise.all(
    names.map(async (name) => {
      const { default: app } = await import(pathToFileURL(join(folder, name, 'index.ts')).href)
      if (app?.id === name) return app as AppDefinition
      throw new Error(
        `${join(folder, name)} defines the app ${JSON.stringify(app?.id)}: name the folder after the app`,
      )
    }),
  )
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
