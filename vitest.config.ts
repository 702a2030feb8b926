import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { isDriverQueryError } from './schema/db.ts'

/** Contract tests that start all their servers themselves, or need none. */
const ownServers = [
  'tests/functions/auth.callout.test.ts',
  'tests/functions/keycloak.poll.test.ts',
  'tests/functions/oidc.logout.test.ts',
  'tests/functions/admin.deactivate.test.ts',
  'tests/functions/connection.opened.test.ts',
  'apps/whiteboard/compact.test.ts',
]

/**
 * Contract tests of the translation engines and their runs. They run only with PGlite. The tests of
 * `translate.request` and `send` execute the same SQL statements as these tests, and run with
 * PostgreSQL too.
 */
const engineTests = [
  'cancel',
  'cancelled',
  'failed',
  'joined',
  'ping',
  'probe',
  'probed',
  'run',
].map((name) => `tests/functions/translate.${name}.test.ts`)

/** The contract tests of the functions and apps, which run once with PostgreSQL and once with PGlite. */
const contractTests = {
  include: ['tests/functions/**/*.test.ts', 'tests/apps/**/*.test.ts', 'apps/[!_]*/*.test.ts'],
  exclude: ownServers,
  globalSetup: './tests/support/servers.ts',
}

/** Test files that run for minutes. */
const longFiles = [
  'tests/compose/compose.test.ts',
  'tests/schema/query-plans.test.ts',
  'tests/stack/keycloak.test.ts',
  'tests/client/offline.test.ts',
  'tests/client/keyboard.test.ts',
  'tests/client/apps.test.ts',
]

/** Runs long files first, so that none of them runs alone at the end while the other worker is idle. */
class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(specifications)
    const rank = ({ moduleId }: TestSpecification) => {
      const index = longFiles.findIndex((file) => moduleId.endsWith(file))
      return index < 0 ? longFiles.length : index
    }
    return sorted.sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    sequence: { sequencer: LongestFirst },
    expect: { poll: { timeout: 20_000 } },
    // With this module, test files load in half the time (docs/decisions/069-module-resolution.md).
    execArgv: ['--import', import.meta.resolve('./runtime/cli/module-resolution.ts')],
    // Two cores are busy with three workers. With four, more tests fail because servers answer late,
    // and the whole run is hardly shorter.
    maxWorkers: 3,
    // Ignores errors of the database driver's query for array types (see schema/db.ts).
    onUnhandledError: (error) => !isDriverQueryError(error),
    projects: [
      {
        extends: true,
        test: { name: 'rest', include: ['tests/**/*.test.ts'], exclude: contractTests.include },
      },
      {
        extends: true,
        test: { name: 'own-servers', include: ownServers },
      },
      {
        extends: true,
        test: {
          name: 'postgres',
          ...contractTests,
          exclude: [...contractTests.exclude, ...engineTests],
        },
      },
      { extends: true, test: { name: 'pglite', ...contractTests } },
    ],
  },
})
