import { defineConfig } from 'vitest/config'
import { isDriverQueryError } from './schema/db.ts'

/** Contract tests run on shared servers, once with PostgreSQL and once with PGlite. */
const contractTests = {
  include: ['tests/functions/**/*.test.ts'],
  exclude: ['tests/functions/auth.callout.test.ts'],
  globalSetup: './tests/support/servers.ts',
}

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 120_000,
    // Generous for a busy machine; a test that checks a duration sets its own timeout.
    expect: { poll: { timeout: 10_000 } },
    // Each file starts its own processes or shares those of its project, so more workers gain
    // nothing.
    maxWorkers: 2,
    // The runtime ignores the same errors of the database driver.
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
