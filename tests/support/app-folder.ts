import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { createFromTemplate } from '../../runtime/cli/new.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'

const root = join(import.meta.dirname, '..', '..')

const ownFiles = {
  '_around.ts': `export { appGuard as default } from '#domain/apps/guard'`,
  '_setup.ts': `import { migrateApps, setUpApps } from '#domain/apps/setup'
export const migrate = migrateApps(import.meta.dirname)
export default setUpApps(import.meta.dirname)`,
}

export interface AppFolder {
  id: string
  dir: string
  start(env?: Record<string, string>): Promise<ProcessService>
}

/** Creates an app from the template, with an id that no other test uses. */
export async function createAppFolder(): Promise<AppFolder> {
  const { functionsNats, databaseUrl } = inject('servers')
  const id = `dice${crypto.randomUUID().slice(0, 8)}`
  const cache = join(root, '.cache')
  await mkdir(cache, { recursive: true })
  // The folder is inside the project, because the imports #runtime and #domain work only there.
  const dir = await mkdtemp(join(cache, 'apps-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  for (const [name, source] of Object.entries(ownFiles)) await writeFile(join(dir, name), source)
  const template = join(dir, '_template')
  await cp(join(root, 'apps', '_template'), template, { recursive: true })
  await createFromTemplate(template, id)
  return {
    id,
    dir,
    async start(env = {}) {
      const service = await startRuntimeService({
        dir,
        folders: [dir],
        name: `apps-${id}`,
        env: {
          NATS_URL: functionsNats,
          DATABASE_URL: databaseUrl,
          NATTER_ID_KEY: 'a key of 32 characters for tests',
          ...env,
        },
      })
      onTestFinished(() => service[Symbol.asyncDispose]())
      return service
    },
  }
}
