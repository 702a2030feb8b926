import { FunctionError } from '#runtime'
import { countMissingMigrations, type Migrations } from '#schema/db'

/**
 * Throws `unavailable` if migrations are missing in the database. The process then waits for them before it
 * serves calls, because `runtime migrate` may still be running.
 */
export async function requireMigrations(migrations?: Migrations): Promise<void> {
  const missing = await countMissingMigrations(migrations)
  if (missing === 0) return
  const where = migrations ? ` of ${migrations.folder}` : ''
  throw new FunctionError(
    'unavailable',
    `Migrations${where} are missing in the database (${missing}): run "runtime migrate" with the same folders`,
  )
}
