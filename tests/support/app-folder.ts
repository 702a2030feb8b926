import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'

const root = join(import.meta.dirname, '..', '..')

/** An app that stores the results of dice, in a folder of its own. */
const diceFiles = (id: string) => ({
  '_around.ts': `export { appGuard as default } from '#domain/apps/guard'`,
  '_setup.ts': `import { setUpApps } from '#domain/apps/setup'
export default setUpApps(import.meta.dirname)`,
  [`${id}/index.ts`]: `import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { action, defineApp, query } from '#domain/apps/define-app'
const table = sql.raw('app_${id}.results')
export default defineApp({
  id: '${id}',
  name: 'Dice',
  version: '1.2.0',
  actions: {
    roll: action(
      { input: v.strictObject({}), output: v.number() },
      async ({ room, db, tell }) => {
        const result = 1 + Math.floor(Math.random() * 6)
        await db.execute(sql\`insert into \${table} values (\${room}, \${result})\`)
        tell({ result })
        return result
      },
    ),
    count: query({ input: v.strictObject({}), output: v.number() }, async ({ room, db }) => {
      const [row] = await db.execute(
        sql\`select count(*)::int as count from \${table} where room = \${room}\`,
      )
      return row.count
    }),
  },
})`,
  [`${id}/migrations/0000_results.sql`]: `CREATE SCHEMA "app_${id}";
--> statement-breakpoint
CREATE TABLE "app_${id}"."results" ("room" text NOT NULL, "result" integer NOT NULL);`,
  [`${id}/migrations/meta/_journal.json`]: JSON.stringify({
    version: '7',
    dialect: 'postgresql',
    entries: [{ idx: 0, version: '7', when: 1, tag: '0000_results', breakpoints: true }],
  }),
})

export interface AppFolder {
  id: string
  /** Starts a runtime process that serves only this folder. */
  start(env?: Record<string, string>): Promise<ProcessService>
}

/** Writes a folder with an app whose id no other test uses. */
export async function createAppFolder(): Promise<AppFolder> {
  const { functionsNats, databaseUrl } = inject('servers')
  const id = `dice${crypto.randomUUID().slice(0, 8)}`
  const cache = join(root, '.cache')
  await mkdir(cache, { recursive: true })
  // Inside the project, where the imports #runtime and #domain work.
  const dir = await mkdtemp(join(cache, 'apps-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  for (const [name, source] of Object.entries(diceFiles(id))) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), source)
  }
  return {
    id,
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
