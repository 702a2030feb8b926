import { defineConfig } from 'drizzle-kit'

/** After a change to a table, `npm run db:generate -- --name NAME` writes the migration. */
export default defineConfig({
  dialect: 'postgresql',
  schema: './schema/tables/*.ts',
  out: './schema/migrations',
})
