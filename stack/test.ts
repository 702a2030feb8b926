/**
 * `npm test`: brings what the tests need, then runs the checks and the tests. Arguments go to
 * vitest. Ends with the first exit code that is not 0.
 */
import { check } from './check.ts'
import { findChromium } from './install/chromium.ts'
import { buildClient } from './install/client.ts'
import { findJava } from './install/java.ts'
import { findKeycloak } from './install/keycloak.ts'
import { findNatsCli } from './install/nats-cli.ts'
import { findNatsServer } from './install/nats-server.ts'
import { findPostgres } from './install/postgres.ts'
import { run } from './run.ts'

const log = (message: string) => console.log(`  ${message}`)

console.log('What the tests need:')
const provisioned = {
  NATS_SERVER: await findNatsServer({ log }),
  NATTER_TEST_POSTGRES: await findPostgres({ log }),
  NATTER_TEST_CHROMIUM: await findChromium({ log }),
  NATS_CLI: await findNatsCli({ log }),
  JAVA_HOME: await findJava({ log }),
  KEYCLOAK_HOME: await findKeycloak({ log }),
}
for (const [name, path] of Object.entries(provisioned)) log(`${name}=${path}`)

await buildClient(log)

const checked = await check()
const tested = await run('vitest', ['run', ...process.argv.slice(2)], {
  ...process.env,
  ...provisioned,
})
if (checked !== 0) console.error('The checks failed: see above the tests.')
process.exitCode = checked || tested
