import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../stack/install/chromium.ts'
import { findDocker } from '../../stack/install/docker.ts'
import {
  createRoom,
  expectNoProblems,
  goTo,
  message,
  typeMessage,
  type Visitor,
  watch,
} from '../support/client-fixture.ts'
import { type Engine, startEngine } from './engine.ts'
import { provideImages } from './images.ts'
import { address, host, type System, startSystem } from './system.ts'

interface Person {
  name: string
  first: string
  last: string
}

/** Keycloak first, because it restarts while the others are killed. */
const services = ['keycloak', 'nats-1', 'nats-2', 'nats-3', 'postgres', 'runtime', 'web']

const origin = `https://${host}`

const missing = await findDocker().then(
  () => undefined,
  (error: Error) => {
    if (process.env.CI) throw error
    return error.message
  },
)

describe.skipIf(missing)(`compose.yaml ${missing ?? ''}`, { timeout: 300_000 }, () => {
  const owned = new AsyncDisposableStack()
  let engine: Engine
  let system: System
  let browser: Browser
  let ada: Visitor
  let ben: Visitor

  beforeAll(async () => {
    engine = owned.use(await startEngine())
    await provideImages(engine)
    system = owned.use(await startSystem(engine))
    browser = await startBrowser()
    owned.defer(() => browser.close())
  }, 1_200_000)
  afterAll(() => owned.disposeAsync(), 120_000)

  async function startBrowser() {
    return chromium.launch({
      executablePath: await findChromium(),
      args: [
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        `--host-resolver-rules=MAP ${host} ${address}`,
        `--ignore-certificate-errors-spki-list=${await readAuthority()}`,
      ],
    })
  }

  /** Verifies the server's certificate, and returns the fingerprint of the key that signed it. */
  async function readAuthority() {
    const file = '/data/caddy/pki/authorities/local/root.crt'
    const ca = await system.compose('exec', '-T', 'web', 'cat', file)
    const socket = connect({ host: address, port: 443, servername: host, ca })
    await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject))
    const { raw } = socket.getPeerCertificate(true).issuerCertificate
    socket.destroy()
    const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
    return createHash('sha256').update(key).digest('base64')
  }

  async function enter({ name, first, last }: Person): Promise<Visitor> {
    const mail = `${name}@example.com`
    const addUser = ['bash', 'add-user.sh', name, mail, first, last, 'user']
    const password = await system.compose('exec', '-T', 'keycloak', ...addUser)
    const context = await browser.newContext({ locale: 'en-US' })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    const visitor = watch(page)
    await page.goto(origin)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByLabel('Username or email').fill(name)
    await page.getByLabel('Password', { exact: true }).fill(password.trim())
    await page.keyboard.press('Enter')
    const own = crypto.randomUUID()
    await page.getByLabel('New Password', { exact: true }).fill(own)
    await page.getByLabel('Confirm password', { exact: true }).fill(own)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    return visitor
  }

  async function talk() {
    const [said, answered] = [crypto.randomUUID(), crypto.randomUUID()]
    await typeMessage(ada.page, said)
    await message(ben.page, said).waitFor()
    await typeMessage(ben.page, answered)
    await message(ada.page, answered).waitFor()
  }

  it('lets two users log in at Keycloak and talk', async () => {
    const people = [
      { name: 'ada', first: 'Ada', last: 'Adams' },
      { name: 'ben', first: 'Ben', last: 'Brown' },
    ] as const
    ;[ada, ben] = await Promise.all([enter(people[0]), enter(people[1])])
    const room = await createRoom(ada.page, 'public')
    await goTo(ben.page, origin, room)
    await ben.page.getByRole('button', { name: 'Join room' }).click()

    await talk()

    await message(ben.page, /./).first().getByText('Ada Adams').waitFor()
    await expectNoProblems(ada)
    await expectNoProblems(ben)
  })

  it('serves neither the administration of Keycloak nor the network of the database', async () => {
    const status = await ada.page.evaluate(async () => (await fetch('/auth/admin/')).status)
    expect(status).toBe(404)

    const reach = system.compose('exec', '-T', 'web', 'nc', '-w', '3', 'postgres', '5432')
    await expect(reach).rejects.toThrow()
  })

  it('runs processes without root, capabilities or a writable file system', async () => {
    for (const { Config, HostConfig, State } of await system.containers()) {
      const service = Config.Labels['com.docker.compose.service'] ?? ''
      expect(HostConfig, service).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'] })
      if (State.Pid === 0) continue

      expect(HostConfig, service).toMatchObject({ RestartPolicy: { Name: 'unless-stopped' } })
      expect(HostConfig.Memory, service).toBeGreaterThan(0)
      const status = await engine.enter('cat', `/proc/${State.Pid}/status`)
      expect(status, service).not.toMatch(/^Uid:\t0\t/m)
      expect(status, service).toMatch(/^CapEff:\t0+$/m)
      expect(status, service).toMatch(/^NoNewPrivs:\t1$/m)
    }
  })

  it('passes secrets in files, not in the configuration of containers', async () => {
    const inspected = JSON.stringify(await system.containers())
    for (const name of ['NATS_FUNCTIONS_PASSWORD', 'DATABASE_PASSWORD', 'KC_DB_PASSWORD'])
      expect(inspected).not.toContain((await readFile(join(system.secrets, name), 'utf8')).trim())
  })

  it('keeps the image of the runtime below 250 MB', async () => {
    const size = await engine.run('docker', 'inspect', '-f', '{{.Size}}', 'natter/runtime')

    console.log(`image of the runtime: ${Math.round(Number(size) / 1e6)} MB`)
    expect(Number(size)).toBeLessThan(250e6)
  })

  it.each(services)('lets users go on talking after %s was killed', async (service) => {
    const [container] = await system.containers(service)
    await engine.enter('kill', '-KILL', String(container?.State.Pid))

    await talk()

    // Keycloak takes a minute, and no message needs it.
    if (service !== 'keycloak') await system.untilHealthy(service)
  })

  it('has restarted each killed container', async () => {
    for (const service of services) {
      await system.untilHealthy(service)
      const restarts = (await system.containers(service)).map(({ RestartCount }) => RestartCount)
      expect(Math.max(...restarts), service).toBe(1)
    }
  })

  it('lists the functions by the command in a runtime', async () => {
    const list = await system.compose(
      ...'exec -T runtime node runtime/bin.mjs ls --json'.split(' '),
    )

    expect(list).toContain('"room-join"')
  })

  it('stops on SIGTERM, the runtimes after their calls', async () => {
    await system.compose('stop')

    for (const { State } of await system.containers('runtime')) expect(State.ExitCode).toBe(0)
  })
})
