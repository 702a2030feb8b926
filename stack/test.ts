/**
 * `npm test`: installs what the tests need, then runs the checks and every test.
 *
 * `npm test -- room.join` runs only the test files whose path contains `room.join`, without the checks.
 * These tests use PGlite; `--project postgres` chooses PostgreSQL. Other arguments go to vitest.
 */
import { join } from 'node:path'
import { check } from './check.ts'
import { findApertium } from './install/apertium.ts'
import { findChromium, findHeadlessShell } from './install/chromium.ts'
import { buildClient } from './install/client.ts'
import { findDocker } from './install/docker.ts'
import { findFirefox } from './install/firefox.ts'
import { findJava } from './install/java.ts'
import { findKeycloak } from './install/keycloak.ts'
import { findKubernetesValidate, findKustomize } from './install/kubernetes.ts'
import { findNatsCli } from './install/nats-cli.ts'
import { findNatsServer } from './install/nats-server.ts'
import { findPgbouncer } from './install/pgbouncer.ts'
import { findPostgres } from './install/postgres.ts'
import { findCaddy, findNginx } from './install/web-servers.ts'
import { findWebKitDriver, findXvfb } from './install/webkit.ts'
import { run } from './run.ts'
import { runTests } from './run-tests.ts'

const root = join(import.meta.dirname, '..')
const args = process.argv.slice(2)
process.exitCode = args.length > 0 ? await runSome(args) : await runAll()

async function runSome(selection: string[]): Promise<number> {
  const hasProject = selection.some((argument) => argument.startsWith('--project'))
  const projects = ['rest', 'own-servers', 'pglite'].map((name) => `--project=${name}`)
  return run('vitest', ['run', ...(hasProject ? [] : projects), ...selection])
}

async function runAll(): Promise<number> {
  const log = (message: string) => console.log(`  ${message}`)
  console.log('Installing what the tests need:')
  const chromium = await findChromium({ log })
  const programs = {
    NATS_SERVER: await findNatsServer({ log }),
    NATTER_TEST_POSTGRES: await findPostgres({ log }),
    NATTER_TEST_CHROMIUM: chromium,
    NATTER_TEST_HEADLESS_SHELL: await findHeadlessShell({ log }).catch((error: Error) => {
      log(`${error.message}. The tests use Chromium instead.`)
      return chromium
    }),
    NATS_CLI: await findNatsCli({ log }),
    JAVA_HOME: await findJava({ log }),
    KEYCLOAK_HOME: await findKeycloak({ log }),
    APERTIUM_MODES: await findApertium({ log }),
  }
  for (const [name, path] of Object.entries(programs)) log(`${name}=${path}`)
  const optional = [
    findFirefox,
    findWebKitDriver,
    findXvfb,
    findNginx,
    findCaddy,
    findPgbouncer,
    findDocker,
    findKustomize,
    findKubernetesValidate,
  ]
  for (const find of optional)
    await find({ log }).then(log, (error: Error) => {
      // Not every system has these optional programs. Tests that need a missing program are
      // skipped. In CI, a missing program is an error.
      if (process.env.CI) throw error
      log(error.message)
    })
  await buildClient(log)

  const checked = await check()
  const env = { ...process.env, ...programs }
  const tested = process.env.CI ? await runTests(root, env) : await run('vitest', ['run'], env)
  if (checked !== 0) console.error('The checks failed: see above the tests.')
  return checked || tested
}
