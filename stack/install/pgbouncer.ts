import type { FindOptions } from './cache.ts'
import { findProgram } from './program.ts'

export function findPgbouncer(options?: FindOptions): Promise<string> {
  return findProgram(
    {
      title: 'PgBouncer',
      variable: 'NATTER_TEST_PGBOUNCER',
      names: ['pgbouncer'],
      packages: ['pgbouncer'],
    },
    options,
  )
}
