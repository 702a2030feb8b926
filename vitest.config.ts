import { defineConfig } from 'vitest/config'
import { isDriverQueryError } from './schema/db.ts'

/**
 * The contract tests of the functions. They run on shared servers, once with PostgreSQL and once with
 * PGlite.
 */
const contractTests = {
  include: ['tests/functions/**/*.test.ts'],
  exclude: ['tests/functions/auth.callout.test.ts'],
  globalSetup: './tests/support/servers.ts',
}

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 120_000,
    // Long enough for a busy machine; a test that checks a duration sets its own timeout.
    expect: { poll: { timeout: 10_000 } },
    // Each test file starts its own processes or shares those of its project, so more than two
    // workers do not make the tests faster.
    maxWorkers: 2,
    // Ignores the errors of the database driver's own query, as the runtime does.
    onUnhandledError: (error) => !isDriverQueryError(error),
    projects: [
      {
        extends: true,
        test: { name: 'rest', include: ['tests/**/*.test.ts'], exclude: contractTests.include },
      },
      {
        extends: true,
        test: { name: 'login', include: contractTests.exclude },
      },
      { extends: true, test: { name: 'postgres', ...contractTests } },
      { extends: true, test: { name: 'pglite', ...contractTests } },
    ],
  },
})
