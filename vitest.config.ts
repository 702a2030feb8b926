import { defineConfig } from 'vitest/config'
import { isDriverQueryError } from './schema/db.ts'

/** The contract tests of the functions and apps, which run once with PostgreSQL and once with PGlite. */
const contractTests = {
  include: ['tests/functions/**/*.test.ts', 'tests/apps/**/*.test.ts', 'apps/[!_]*/*.test.ts'],
  exclude: [
    'tests/functions/auth.callout.test.ts',
    'tests/functions/keycloak.poll.test.ts',
    'tests/functions/oidc.logout.test.ts',
  ],
  globalSetup: './tests/support/servers.ts',
}

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A loaded machine can delay a browser by more than a test allows. The report marks a test that
    // passed only the second time with `retry x1`.
    retry: process.env.CI ? 1 : 0,
    expect: { poll: { timeout: 20_000 } },
    // Test files load in half the time with it (docs/decisions/069-module-resolution.md).
    execArgv: ['--import', import.meta.resolve('./runtime/cli/module-resolution.ts')],
    // More workers would not be faster, because the tested servers are processes of their own.
    maxWorkers: 2,
    // Ignores errors of the database driver's query for array types (see schema/db.ts).
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
