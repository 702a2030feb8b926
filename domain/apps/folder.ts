import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AppDefinition } from './define-app.ts'

/** Returns the names of the subfolders that contain an app. */
export async function findApps(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
    .map(({ name }) => name)
    .filter((name) => existsSync(join(folder, name, 'index.ts')))
}

/** Throws if the id of the app is not the name of its folder. */
export async function importApp(folder: string, name: string): Promise<AppDefinition> {
  const { default: app } = await import(pathToFileURL(join(folder, name, 'index.ts')).href)
  if (app?.id === name) return app
  throw new Error(
    `${join(folder, name)} defines the app ${JSON.stringify(app?.id)}: name the folder after the app`,
  )
}
