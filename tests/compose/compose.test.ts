import { createHash, randomBytes, X509Certificate } from 'node:crypto'
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
import { run } from '../support/command-line.ts'
import { canFail } from '../support/small-disk.ts'
import { type Engine, startEngine } from './engine.ts'
import { provideImages } from './images.ts'
import { host, natsServers, type System, startSystem } from './system.ts'

/** Part of a service that `docker-compose config` prints. */
interface Service {
  image: string
  profiles?: string[]
}

/** Parts of two answers of Prometheus: `/targets` returns `activeTargets`, and `/alerts` returns `alerts`. */
interface PrometheusData {
  activeTargets: { health: string }[]
  alerts: { labels: { alertname: string; storage?: string } }[]
}

const origin = `https://${host}`
/** Maximum wait for killed containers: five times the time in which a loaded machine restarts all of them. */
const recovery = { timeout: 150_000 }

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
  let alice: Visitor
  /** All nats-servers; the first one leads the stream of messages. */
  let servers: string[]

  beforeAll(async () => {
    engine = owned.use(await startEngine())
    await provideImages(engine)
    system = await startSystem(engine)
    // The browser needs the certificate of Caddy's authority, which Caddy writes after its start.
    await system.untilHealthy('web')
    browser = await startBrowser()
    owned.defer(() => browser.close())
  }, 1_200_000)
  afterAll(() => owned.disposeAsync(), 120_000)

  async function startBrowser() {
    return chromium.launch({
      executablePath: await findChromium(),
      args: [
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        `--host-resolver-rules=MAP ${host}:443 127.0.0.1:${system.port}`,
        `--ignore-certificate-errors-spki-list=${await readAuthority()}`,
      ],
    })
  }

  /** Verifies the server's certificate, and returns the fingerprint of the key that signed it. */
  async function readAuthority() {
    const file = '/data/caddy/pki/authorities/local/root.crt'
    const ca = await system.exec('web', 'cat', file)
    const socket = connect({ host: '127.0.0.1', port: system.port, servername: host, ca })
    await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject))
    const { raw } = socket.getPeerCertificate(true).issuerCertificate
    socket.destroy()
    const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
    return createHash('sha256').update(key).digest('base64')
  }

  /** Returns the names of all nats-servers, first the one that leads the stream of messages. */
  async function orderServers() {
    const { account_details } = await askServer('nats-1', 'jsz?acc=FUNCTIONS&streams=true')
    const streams: { name: string; cluster: { leader: string } }[] =
      account_details[0].stream_detail
    const leader = streams.find(({ name }) => name === 'CHAT_MESSAGES')?.cluster.leader ?? ''
    return [leader, ...natsServers.filter((name) => name !== leader)]
  }

  /** Returns an answer of the monitoring port of a nats-server. */
  async function askServer(server: string, path: string) {
    const url = `http://127.0.0.1:8222/${path}`
    return JSON.parse(await system.exec(server, 'wget', '-q', '-O', '-', url))
  }

  async function askPrometheus(path: string): Promise<PrometheusData> {
    const url = `http://127.0.0.1:9090/api/v1/${path}`
    return JSON.parse(await system.exec('prometheus', 'wget', '-q', '-O', '-', url)).data
  }

  /** Returns the storages for which Prometheus reports the alert NatterStorageFailing. */
  async function failedStorages() {
    const { alerts } = await askPrometheus('alerts')
    return alerts
      .filter(({ labels }) => labels.alertname === 'NatterStorageFailing')
      .map(({ labels }) => labels.storage)
  }

  async function openLogin(): Promise<Visitor> {
    const page = await (await browser.newContext({ locale: 'en-US' })).newPage()
    page.setDefaultTimeout(60_000)
    const visitor = watch(page)
    await page.goto(origin)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByLabel('Username or email').waitFor()
    return visitor
  }

  async function logIn({ page }: Visitor, name: string, password: string) {
    await page.getByLabel('Username or email').fill(name)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.keyboard.press('Enter')
  }

  async function enterNewUser(): Promise<Visitor> {
    const addUser = 'exec -T keycloak bash add-user.sh ada ada@example.com Ada Adams user'
    const [password, visitor] = await Promise.all([
      system.compose(...addUser.split(' ')),
      openLogin(),
    ])
    await logIn(visitor, 'ada', password.trim())
    const { page } = visitor
    const own = crypto.randomUUID()
    await page.getByLabel('New Password', { exact: true }).fill(own)
    await page.getByLabel('Confirm password', { exact: true }).fill(own)
    await page.keyboard.press('Enter')
    return visitor
  }

  async function enterDemoUser(): Promise<Visitor> {
    const visitor = await openLogin()
    const state = async () => (await system.containers('demo')).map(({ State }) => State)
    await expect.poll(state).toMatchObject([{ Status: 'exited', ExitCode: 0 }])
    await logIn(visitor, 'alice', 'alice123')
    return visitor
  }

  async function talk() {
    const [said, answered] = [crypto.randomUUID(), crypto.randomUUID()]
    await typeMessage(ada.page, said)
    await message(alice.page, said).waitFor(recovery)
    await typeMessage(alice.page, answered)
    await message(ada.page, answered).waitFor(recovery)
  }

  /**
   * Sends five messages. Together they are larger than the space that a store has already allocated
   * in its files, so a full disk cannot store them.
   */
  async function sendLongMessages(id: string) {
    for (let part = 1; part <= 5; part++)
      await typeMessage(ada.page, `${id} ${part} ${randomBytes(1_500).toString('hex')}`)
    // The list renders only messages in view, so the test waits for the last one.
    await message(alice.page, `${id} 5`).waitFor(recovery)
  }

  it('lets a new user and a demo user log in at Keycloak and talk', async () => {
    ;[ada, alice] = await Promise.all([enterNewUser(), enterDemoUser()])
    for (const { page } of [ada, alice])
      await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    const room = await createRoom(ada.page, 'public')
    await goTo(alice.page, origin, room)
    await alice.page.getByRole('button', { name: 'Join room' }).click()

    await talk()

    await message(alice.page, /./).first().getByText('Ada Adams').waitFor()
    await expectNoProblems(ada)
    await expectNoProblems(alice)
  })

  it('does not serve the administration of Keycloak, nor let the web server reach the database', async () => {
    const status = await ada.page.evaluate(async () => (await fetch('/auth/admin/')).status)
    expect(status).toBe(404)

    const reach = system.exec('web', 'nc', '-w', '3', 'postgres', '5432')
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

  it('limits the rights of services of the profiles ollama and observe like those of services without a profile', async () => {
    const script = 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'
    // Compose v2 prints only services of active profiles, so both profiles are activated.
    const profiles = ['--profile', 'ollama', '--profile', 'observe']
    const stdin = await system.compose(...profiles, 'config')
    const { stdout } = await run('python3', ['-c', script], { stdin })
    const services: Record<string, Service> = JSON.parse(stdout).services
    const optional = Object.entries(services).filter(([, { profiles = [] }]) =>
      profiles.some((profile) => profile === 'ollama' || profile === 'observe'),
    )

    expect(optional.map(([name]) => name).toSorted()).toEqual([
      'grafana',
      'jaeger',
      'ollama',
      'ollama-model',
      'ollama-volume',
      'prometheus',
    ])
    for (const [name, service] of optional) {
      expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'] })
      if (name === 'ollama-volume') continue

      expect(service, name).toMatchObject({
        user: expect.stringMatching(/^[1-9]/),
        security_opt: ['no-new-privileges:true'],
        mem_limit: expect.anything(),
        restart: name === 'ollama-model' ? 'on-failure' : 'unless-stopped',
      })
      if (name !== 'ollama-model') expect(service, name).toHaveProperty('healthcheck.test')
      if (name !== 'prometheus') expect(service.image).toMatch(/:[0-9.]+$/)
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

  it('connects the containers with TLS only', async () => {
    const session = `select count(*) filter (where not ssl) || '/' || count(*)
      from pg_stat_ssl join pg_stat_activity using (pid) where client_addr is not null`
    expect(await system.exec('postgres', 'psql', '-U', 'postgres', '-tAc', session)).toMatch(
      /^0\/[1-9]/,
    )
    const hba = "select count(*) from pg_hba_file_rules where type = 'host' and address = 'all'"
    expect(await system.exec('postgres', 'psql', '-U', 'postgres', '-tAc', hba)).toBe('0\n')
    let clients = 0
    for (const server of natsServers) {
      const { connections } = await askServer(server, 'connz')
      clients += connections.length
      for (const { kind, name, tls_version } of connections)
        expect(tls_version, `${kind} ${name}`).toMatch(/^1\.[23]$/)
      const { tls_required, cluster, websocket } = await askServer(server, 'varz')
      expect([tls_required, cluster.tls_required, websocket.no_tls ?? false]).toEqual([
        true,
        true,
        false,
      ])
    }
    // A server may have no client, because each client chooses its server at random.
    expect(clients).toBeGreaterThan(0)
  })

  it('lets Prometheus find all runtimes', async () => {
    const targets = async () => {
      const { activeTargets } = await askPrometheus('targets?state=active')
      return activeTargets.map(({ health }) => health)
    }
    await expect.poll(targets, { timeout: 60_000 }).toEqual(['up', 'up'])
  })

  it('reports that the disk of PostgreSQL is full, and persists the messages when the disk has space again', async () => {
    const id = crypto.randomUUID()
    const count = `select count(*) from messages where text like '${id}%'`
    const persisted = () =>
      system.exec('postgres', 'psql', '-U', 'postgres', '-d', 'natter', '-tAc', count)
    await system.fillDisk('postgres')
    try {
      await sendLongMessages(id)

      await expect.poll(failedStorages, { timeout: 60_000 }).toContain('database')
      expect(await system.logs('runtime')).toContain('No space left on device')
    } finally {
      await system.freeDisk('postgres')
    }
    await expect.poll(persisted, { timeout: 60_000 }).toBe('5\n')
  })

  it('continues to serve when the disk of the leading nats-server is full, and that server logs the error', async () => {
    servers = await orderServers()
    const [leader = ''] = servers
    await system.fillDisk(leader)
    try {
      await sendLongMessages(crypto.randomUUID())
      await talk()

      // Only this server is sure to log the full disk: if another server becomes the leader within two seconds, no
      // runtime notices the fault.
      await expect
        .poll(() => system.logs(leader), { timeout: 60_000 })
        .toMatch(/\/data\/.*no space left on device/)
    } finally {
      await system.freeDisk(leader)
    }
  })

  it('restarts containers that were killed, while users go on talking', async () => {
    // The disk of this server was full in the previous test, so the server stores no messages until it is
    // restarted.
    const server = servers.shift() ?? ''
    for (const service of ['keycloak', 'postgres', 'runtime', 'web', server])
      await system.kill(service)

    await talk()

    // A later test waits for Keycloak, which takes a minute to start, and for the web server, whose health check
    // requests Keycloak.
    for (const service of ['postgres', 'runtime', server]) await system.untilHealthy(service)
  })

  it.each(['second', 'third'])('restarts the %s nats-server after it was killed', async () => {
    const server = servers.shift() ?? ''
    await system.kill(server)

    await talk()
    await system.untilHealthy(server)
  })

  it('has restarted each container that the tests above killed', async () => {
    for (const service of ['keycloak', ...natsServers, 'postgres', 'runtime', 'web']) {
      await system.untilHealthy(service)
      const restarts = (await system.containers(service)).map(({ RestartCount }) => RestartCount)
      expect(Math.max(...restarts), service).toBe(1)
    }
  })

  it.skipIf(!canFail)(
    'continues to serve when the disk of the leading nats-server becomes read-only, and that server logs the error',
    async () => {
      const [leader = ''] = await orderServers()
      await system.makeReadOnly(leader)
      await sendLongMessages(crypto.randomUUID())
      await talk()

      await expect
        .poll(() => system.logs(leader), { timeout: 60_000 })
        .toMatch(/\/data\/.*read-only file system/)
      await system.repairDisk(leader)
      await system.untilHealthy(leader)
      await talk()
    },
  )

  it('has runtime containers in which the command `runtime ls` lists the functions', async () => {
    const list = await system.compose(
      ...'exec -T runtime node runtime/bin.mjs ls --json'.split(' '),
    )

    expect(list).toContain('"room-join"')
  })

  it('stops all services, and the runtimes exit with code 0', async () => {
    await system.compose('stop')

    for (const { State } of await system.containers('runtime')) expect(State.ExitCode).toBe(0)
  })
})
