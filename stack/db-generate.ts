/**
 * `npm run db:generate -- --name NAME`: compares schema/tables/ with the newest migration, and writes
 * the difference as a new migration with this name into schema/migrations/. With `--app poll`, does the
 * same for apps/poll/tables.ts and apps/poll/migrations/.
 */
import { run } from './run.ts'

const args = process.argv.slice(2)
const index = args.indexOf('--app')
if (index >= 0) process.env.NATTER_APP = args.splice(index, 2)[1]
process.exitCode = await run('drizzle-kit', ['generate', ...args])
