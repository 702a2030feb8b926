import { defineConfig } from 'drizzle-kit'

/** After a change to a table, `npx drizzle-kit generate --name <name>` writes the migration. */
export default defineConfig({
  dialect: 'postgresql',
  schema: './schema/tables/*.ts',
  out: './schema/migrations',
})
