import { defineConfig } from 'vitest/config'
import { isDriverQueryError } from './schema/db.ts'

/** Contract tests ask real servers, once on PostgreSQL and once on PGlite; the rest bring their own. */
const contractTests = {
  include: ['tests/functions/**/*.test.ts'],
  exclude: ['tests/functions/auth.callout.test.ts'],
  globalSetup: './tests/support/servers.ts',
}

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 120_000,
    // A busy machine takes its time; what must be quick says so itself.
    expect: { poll: { timeout: 10_000 } },
    // Each file talks to processes of its own or shares those of its project; two at once is plenty.
    maxWorkers: 2,
    // What the product itself passes over.
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
