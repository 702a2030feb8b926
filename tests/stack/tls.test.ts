import { createHash, X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { get as getByHttp } from 'node:http'
import { get as getByHttps } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Browser, chromium } from 'playwright-core'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { findChromium } from '../../stack/install/chromium.ts'
import { buildClient, clientFolder } from '../../stack/install/client.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { findPostgres } from '../../stack/install/postgres.ts'
import { findCaddy } from '../../stack/install/web-servers.ts'
import { freePort } from '../../stack/ports.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { type NatsService, type NatsTls, startNats } from '../../stack/services/nats.ts'
import { startOidcProvider } from '../../stack/services/oidc-provider.ts'
import { startPostgres } from '../../stack/services/postgres.ts'
import { startProcess } from '../../stack/services/process.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { writeWebServers } from '../../stack/web-servers.ts'
import { expectNoProblems, logIn, message, typeMessage, watch } from '../support/client-fixture.ts'
import { startNatsServers } from '../support/cluster.ts'
import { run, runtime } from '../support/command-line.ts'
import { canRun } from '../support/programs.ts'

const root = join(import.meta.dirname, '..', '..')

describe('a stack with the TLS configurations', () => {
  it.each([
    ['websocket', 'nats.conf', 'nats.tls.conf', ['no_tls: true']],
    ['cluster', 'nats.cluster.conf', 'nats.cluster.tls.conf', []],
  ])('has the same %s settings as a stack without TLS', async (block, plain, secured, removed) => {
    const settingsIn = async (file: string) => {
      const content = await readFile(join(root, file), 'utf8')
      const [, settings = ''] = new RegExp(`^${block} {\n(.*?)^}`, 'ms').exec(content) ?? []
      const lines = settings.split('\n').map((line) => line.trim())
      return lines.filter((line) => line && !line.startsWith('#') && !removed.includes(line))
    }
    const expected = await settingsIn(plain)

    expect(expected.length).toBeGreaterThan(3)
    expect(await settingsIn(secured)).toEqual(expect.arrayContaining(expected))
  })
})

describe.skipIf(!(await canRun(findCaddy)))('the system with TLS', { timeout: 120_000 }, () => {
  const owned = new AsyncDisposableStack()
  const secrets = createSecrets()
  let dir: string
  let authority: string
  let servers: [NatsService, NatsService, NatsService]
  let database: ProcessService
  let env: Record<string, string>
  let origin: string
  let browser: Browser

  const filesOf = (folder: string): NatsTls => ({
    certificate: join(dir, folder, 'localhost.crt'),
    key: join(dir, folder, 'localhost.key'),
    authority: join(dir, folder, 'ca.crt'),
  })

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-tls-'))
    owned.defer(() => rm(dir, { recursive: true, force: true }))
    for (const folder of ['tls', 'other']) await createCertificates(join(dir, folder))
    const tls = filesOf('tls')
    authority = await readFile(tls.authority, 'utf8')
    const [webPort, issuerPort] = [await freePort(), await freePort()]
    origin = `https://localhost:${webPort}`
    const web = { dir, origin, webOrigins: [origin] }

    const issuer = owned.use(await startOidcProvider({ ...web, port: issuerPort }))
    servers = await startNatsServers({ ...web, secrets, tls }, owned)
    database = owned.use(await startPostgres({ dir, tls, binaries: await findPostgres() }))
    const urlsOf = (user: 'auth' | 'functions') => servers.map((each) => each.urlOf(user)).join(',')
    env = {
      NODE_EXTRA_CA_CERTS: tls.authority,
      NATS_URL: urlsOf('functions'),
      NATS_AUTH_URL: urlsOf('auth'),
      NATS_CALLOUT_SEED: secrets.calloutSeed,
      NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
      NATS_REPLICAS: '3',
      DATABASE_URL: database.url,
      OIDC_ISSUER: issuer.url,
      NATTER_ID_KEY: secrets.idKey,
    }
    owned.use(await startRuntimeService({ dir, env }))
    await buildClient()
    const page = {
      WEB_ROOT: clientFolder,
      NATTER_WEB_ORIGIN: origin,
      NATS_WS_URL: servers.map(({ webSocketUrl }) => webSocketUrl).join(' '),
      OIDC_ISSUER: issuer.url,
    }
    const natsPort = servers[0].ports.webSocket
    owned.use(await startCaddy({ dir, tls, issuerPort, natsPort, env: page }))
    browser = await startBrowser(await readFile(tls.certificate, 'utf8'))
    owned.defer(() => browser.close())
  }, 240_000)
  afterAll(() => owned.disposeAsync(), 60_000)

  async function enter(person: 'alice' | 'bob') {
    const page = await (await browser.newContext({ locale: 'en-US' })).newPage()
    page.setDefaultTimeout(60_000)
    const visitor = watch(page)
    const sockets: string[] = []
    page.on('websocket', (socket) => sockets.push(socket.url()))
    await logIn(page, `${origin}/r/general`, person)
    await page.locator('#composer').waitFor()
    return { ...visitor, sockets }
  }

  it('lets two users log in with a browser and talk', async () => {
    const [alice, bob] = [await enter('alice'), await enter('bob')]
    const words = crypto.randomUUID()
    await typeMessage(alice.page, words)
    await message(bob.page, words).waitFor()

    for (const visitor of [alice, bob]) {
      const addresses = servers.map(({ webSocketUrl }) => `${webSocketUrl}/`)
      expect(addresses).toContain(visitor.sockets[0])
      await expectNoProblems(visitor)
    }
  })

  it('forwards WebSockets from the web server to NATS', async () => {
    const url = `${origin}/nats`
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    }
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    getByHttps(url, { ca: authority, headers }, ({ statusCode }) => resolve(statusCode))
      .on('upgrade', ({ statusCode }, socket) => {
        socket.destroy()
        resolve(statusCode)
      })
      .on('error', reject)

    expect(await promise).toBe(101)
  })

  it('connects the runtime to the database with TLS', async () => {
    const sql = postgres(database.url, { ssl: { ca: authority }, onnotice: () => {} })
    const rows = await sql`
      select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid)
      where application_name = 'natter'`
    await sql.end()

    expect([...rows]).toEqual([{ ssl: true }])
  })

  it('rejects clients that do not trust the certificate authority', async () => {
    const { NODE_EXTRA_CA_CERTS: _, ...untrusting } = env
    const functions = join(root, 'functions')
    const listed = await runtime(['ls'], { env: untrusting })
    expect(listed.code).toBe(1)
    expect(listed.stderr).toMatch(/NATS_URL: .* certificate that cannot be verified/)

    const migrated = await runtime(['migrate', functions], { env: untrusting })
    expect(migrated.code).toBe(1)
    expect(migrated.stderr).toMatch(/DATABASE_URL: the certificate .* cannot be verified/)
    for (const { stderr } of [listed, migrated])
      expect(stderr.match(/unable to|self.signed/g)).toHaveLength(1)

    for (const { monitorUrl } of servers) {
      await expect(get(`${monitorUrl}/healthz`)).rejects.toThrow(/certificate/)
      expect(await get(`${monitorUrl}/healthz`, authority)).toContain('ok')
    }
    const stranger = await startBrowser()
    const page = await stranger.newPage()
    await expect(page.goto(origin)).rejects.toThrow(/ERR_CERT_AUTHORITY_INVALID/)
    await stranger.close()
  })

  it('rejects clients without TLS', async () => {
    const [{ ports }] = servers
    // Official clients switch to TLS when the server requires it, so the test writes the protocol
    // itself.
    const greeting = 'CONNECT {"verbose":true}\r\nPING\r\n'
    const answer = await speakWithoutTls(ports.nats, greeting)
    expect(answer).toMatch(/^INFO .*"tls_required":true/)
    expect(answer).not.toMatch(/\+OK|PONG/)
    for (const port of [ports.webSocket, ports.monitor])
      expect(await speakWithoutTls(port, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')).toMatch(
        /^HTTP\/1\.0 400 Bad Request/,
      )

    const url = new URL(database.url)
    url.search = ''
    const sql = postgres(url.href, { onnotice: () => {} })
    await expect(sql`select 1`).rejects.toThrow(/no encryption/)
    await sql.end()
  })

  it.each([
    ['accepts', 'a certificate of the authority', 'tls', / Route connection created$/],
    ['rejects', 'a certificate of another authority', 'other', / TLS route handshake error: /],
    ['rejects', 'no certificate', undefined, / TLS route handshake error: /],
  ])('%s a server with %s as a member of the cluster', async (verb, _with, folder, outcome) => {
    const [member] = servers
    const listening = await member.log.line(/ Listening for route connections on /)
    const memberPort = Number(listening.slice(listening.lastIndexOf(':') + 1))
    const port = await freePort()
    const serverName = `candidate-${folder}`
    const tls = folder === undefined ? undefined : filesOf(folder)
    const from = member.log.end()
    await using candidate = await startNats({
      dir: join(dir, serverName),
      binary: await findNatsServer(),
      secrets,
      tls,
      cluster: { serverName, port, ports: [port, memberPort] },
    })
    await member.log.line(outcome, { from, within: 30_000 })
    const { monitorUrl = '' } = candidate
    const trusted = tls && (await readFile(tls.authority, 'utf8'))

    const hasRoutes = async () =>
      JSON.parse(await get(`${monitorUrl}/routez`, trusted)).num_routes > 0
    await expect.poll(hasRoutes).toBe(verb === 'accepts')
  })
})

async function createCertificates(folder: string) {
  const script = join(root, 'stack', 'generate-certificates.ts')
  const { code, stderr } = await run(process.execPath, [script, folder, 'localhost,127.0.0.1'])
  expect(code, stderr).toBe(0)
}

interface WebOptions {
  dir: string
  issuerPort: number
  natsPort: number
  env: { NATTER_WEB_ORIGIN: string } & Record<string, string>
  tls: NatsTls
}

/** Starts Caddy, which serves the page, the OpenID provider and NATS under one origin. */
async function startCaddy({
  dir,
  issuerPort,
  natsPort,
  env,
  tls,
}: WebOptions): Promise<ProcessService> {
  const web = join(dir, 'web')
  writeWebServers(web)
  await mkdir(join(web, 'natter.d'))
  const site = `tls ${tls.certificate} ${tls.key}
handle /realms/* {
	reverse_proxy 127.0.0.1:${issuerPort}
}
handle /nats* {
	reverse_proxy https://localhost:${natsPort} {
		transport http {
			tls_trusted_ca_certs ${tls.authority}
		}
	}
}
`
  await writeFile(join(web, 'natter.d', 'site.caddy'), site)
  // Without these options, Caddy would also listen on port 80, and on a fixed port for its
  // administration.
  const options = '{\n\tadmin off\n\tauto_https disable_redirects\n}\nimport Caddyfile\n'
  await writeFile(join(web, 'main'), options)
  const [file, authority] = [await findCaddy(), await readFile(tls.authority, 'utf8')]
  return startProcess({
    dir,
    name: 'caddy',
    command: () => ({
      file,
      args: ['run', '--config', 'main', '--adapter', 'caddyfile'],
      env: { ...process.env, ...env, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
      cwd: web,
    }),
    async ready() {
      const url = `${env.NATTER_WEB_ORIGIN}/healthz`
      await vi.waitFor(() => get(url, authority), { timeout: 30_000 })
      return url
    },
  })
}

/**
 * Starts a browser that also accepts the given certificate. The browser identifies the certificate
 * by a hash of its public key.
 */
async function startBrowser(certificate?: string): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  if (certificate) {
    const { publicKey } = new X509Certificate(certificate)
    const key = publicKey.export({ type: 'spki', format: 'der' })
    const hash = createHash('sha256').update(key).digest('base64')
    args.push(`--ignore-certificate-errors-spki-list=${hash}`)
  }
  return chromium.launch({ executablePath: await findChromium(), args })
}

async function get(url: string, ca?: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const request = url.startsWith('https:') ? getByHttps : getByHttp
  request(url, ca ? { ca } : {}, (response) => resolve(text(response))).on('error', reject)
  return promise
}

/** Sends `words` without TLS. Returns everything that the server answers before it disconnects. */
async function speakWithoutTls(port: number, words: string): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1')
  socket.end(words)
  return text(socket)
}
