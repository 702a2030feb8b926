/**
 * `npm run db:generate -- --name what-changed`: compares schema/tables/ with the last migration and
 * writes the difference as a new migration into schema/migrations/.
 */
import { run } from './run.ts'

process.exitCode = await run('drizzle-kit', ['generate', ...process.argv.slice(2)])
