import { defineConfig } from 'drizzle-kit'

/** The id of an app: `npm run db:generate -- --app ID` sets this environment variable. */
const app = process.env.NATTER_APP

/**
 * After a change to a table, `npm run db:generate -- --name NAME` writes a migration with this
 * name.
 */
export default defineConfig({
  dialect: 'postgresql',
  schema: app ? `./apps/${app}/tables.ts` : './schema/tables/*.ts',
  out: app ? `./apps/${app}/migrations` : './schema/migrations',
})
