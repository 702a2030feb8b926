import { defineConfig } from 'drizzle-kit'

/** Set by `npm run db:generate -- --app NAME`. */
const app = process.env.NATTER_APP

/** After a change to a table, `npm run db:generate -- --name NAME` writes the migration. */
export default defineConfig({
  dialect: 'postgresql',
  schema: app ? `./apps/${app}/tables.ts` : './schema/tables/*.ts',
  out: app ? `./apps/${app}/migrations` : './schema/migrations',
})
