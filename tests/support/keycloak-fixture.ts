import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findJava } from '../../stack/install/java.ts'
import { findKeycloak } from '../../stack/install/keycloak.ts'
import { freePort } from '../../stack/ports.ts'
import { type KeycloakService, startKeycloak } from '../../stack/services/keycloak.ts'
import {
  type ClientFixture,
  createClientFixture,
  type PersonName,
  type Visitor,
  watch,
} from './client-fixture.ts'
import { run } from './command-line.ts'
import { fetchTokens } from './tokens.ts'

const root = join(import.meta.dirname, '..', '..')

/** A stack with a Keycloak that has the realm of deploy/keycloak. */
export interface KeycloakFixture extends ClientFixture {
  keycloak: KeycloakService
  /**
   * The same realm over TLS. `authority` is the certificate of the authority that signed the
   * server's certificate.
   */
  secured: { url: string; authority: string }
  /** Calls the admin API. `path` is relative to the URL of the realm. */
  ask(method: string, path: string, body?: unknown, realm?: string): Promise<unknown>
  readRuntimeLogs(): Promise<string[]>
  arrive(): Promise<Visitor>
}

/**
 * A second realm, created from the file in deploy/keycloak. All variables of the file have their
 * defaults in this realm.
 */
export const defaultRealm = 'defaults'

export async function createKeycloakFixture(): Promise<KeycloakFixture> {
  await using made = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-keycloak-'))
  made.defer(() => rm(dir, { recursive: true, force: true }))
  const tls = { ...(await createCertificate(dir)), port: await freePort() }
  const webPort = await freePort()
  const webOrigin = `http://localhost:${webPort}`
  const webhookPort = await freePort()
  const eventsSecret = randomBytes(16).toString('hex')
  const keycloak = made.use(
    await startKeycloak({
      dir,
      home: await findKeycloak(),
      javaHome: await findJava(),
      webOrigin,
      tls,
      env: {
        NATTER_LOGOUT_URL: `http://127.0.0.1:${webhookPort}/oidc/backchannel-logout`,
        NATTER_EVENTS_CLIENT: 'true',
        NATTER_EVENTS_SECRET: eventsSecret,
      },
      realms: { 'defaults.json': await writeDefaultRealm() },
    }),
  )
  const ground = made.use(
    await createClientFixture({
      WEB_PORT: String(webPort),
      OIDC_ISSUER: keycloak.url,
      RATE_LIMIT_FACTOR: '100',
      WEBHOOK_PORT: String(webhookPort),
      KEYCLOAK_EVENTS_SECRET: eventsSecret,
    }),
  )
  const all = made.move()
  return {
    ...ground,
    keycloak,
    secured: {
      url: `https://localhost:${tls.port}/realms/nats-chat`,
      authority: await readFile(tls.authority, 'utf8'),
    },
    ask: (method, path, body, realm = 'nats-chat') =>
      askAdmin(keycloak, method, `${realm}${path}`, body),
    readRuntimeLogs() {
      const read = (name: string) =>
        readFile(join(ground.stateDir, 'logs', `${name}.log`), 'utf8').catch(() => '')
      return Promise.all(['runtime', 'runtime-2'].map(read))
    },
    async arrive() {
      const context = await ground.browser.newContext({ locale: 'en-US' })
      const page = await context.newPage()
      const visitor = watch(page)
      await page.goto(ground.urls.web)
      await page.getByRole('button', { name: 'Log in' }).waitFor()
      return visitor
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

async function createCertificate(dir: string) {
  const script = join(root, 'stack', 'generate-certificates.ts')
  const folder = join(dir, 'tls')
  const { code, stderr } = await run(process.execPath, [script, folder, 'localhost'])
  if (code !== 0) throw new Error(stderr)
  const [certificate, key, authority] = ['localhost.crt', 'localhost.key', 'ca.crt'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  return { certificate, key, authority }
}

async function writeDefaultRealm() {
  const text = await readFile(join(root, 'deploy', 'keycloak', 'realm-export.json'), 'utf8')
  return text.replaceAll('${NATTER_', '${UNSET_').replace('"nats-chat"', `"${defaultRealm}"`)
}

async function askAdmin(
  { origin, admin }: KeycloakService,
  method: string,
  path: string,
  body: unknown,
) {
  const { access_token } = await fetchTokens(`${origin}/realms/master`, 'admin-cli', admin)
  const response = await fetch(`${origin}/admin/realms/${path}`, {
    method,
    headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} answers ${response.status}: ${text}`)
  return text ? JSON.parse(text) : undefined
}

export async function signIn({ page }: Visitor, person: PersonName): Promise<void> {
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByLabel('Username or email').fill(person)
  await page.getByLabel('Password', { exact: true }).fill(`${person}123`)
  await page.keyboard.press('Enter')
}
