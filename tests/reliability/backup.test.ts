import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../stack/install/chromium.ts'
import { buildClient } from '../../stack/install/client.ts'
import { findNatsCli } from '../../stack/install/nats-cli.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { findPostgres } from '../../stack/install/postgres.ts'
import { freePort } from '../../stack/ports.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { type NatsService, startNats } from '../../stack/services/nats.ts'
import { startOidcProvider } from '../../stack/services/oidc-provider.ts'
import { startPostgres } from '../../stack/services/postgres.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService, StackService } from '../../stack/services/service.ts'
import { startWeb } from '../../stack/services/web.ts'
import { newClientId, newRoomId } from '../support/app.ts'
import { logIn, message, watch } from '../support/client-fixture.ts'
import { type CommandResult, run, runtime } from '../support/command-line.ts'
import { createNetworkProxy, type NetworkProxy } from '../support/network-proxy.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

const root = join(import.meta.dirname, '..', '..')
const guide = readFileSync(join(root, 'docs', 'operations.md'), 'utf8')

interface Sent {
  text: string
  clientId: string
  id: string
  seq: number
  /** The time of the acknowledgement, from `performance.now()`. */
  at: number
}

describe('the commands of docs/operations.md', { timeout: 280_000 }, () => {
  const owned = new AsyncDisposableStack()
  const secrets = createSecrets()
  let dir: string
  let env: Record<string, string>
  let nats: NatsService
  let database: ProcessService
  let running: ProcessService | undefined
  let issuer: ProcessService
  let web: StackService
  let network: NetworkProxy
  let browser: Browser
  let sent: Sent[]

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-backup-'))
    owned.defer(() => rm(dir, { recursive: true, force: true }))
    const binary = await findNatsServer()
    const webPort = await freePort()
    const webOrigins = [`http://localhost:${webPort}`]
    nats = owned.use(await startNats({ dir, binary, secrets, webOrigins }))
    issuer = owned.use(await startOidcProvider({ dir, webOrigins }))
    owned.defer(async () => await database?.stop())
    await startDatabase()
    await prepareCommands()
    await createDatabase()
    await startRuntime()
    owned.defer(async () => await running?.stop())
    network = owned.use(await createNetworkProxy(nats.ports.webSocket))
    await buildClient()
    const config = { natsWebSocket: network.url, issuer: issuer.url, clientId: 'nats-chat-app' }
    web = owned.use(await startWeb({ port: webPort, config: () => config }))
    browser = await chromium.launch({
      executablePath: await findChromium(),
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    })
    owned.defer(() => browser.close())
  }, 240_000)
  afterAll(() => owned.disposeAsync(), 60_000)

  async function startDatabase() {
    const port = database && Number(new URL(database.url).port)
    database = await startPostgres({ dir, binaries: await findPostgres(), port })
  }

  /**
   * Prepares what the commands of docs/operations.md need: the programs in PATH, and the folder
   * `secrets`.
   */
  async function prepareCommands() {
    const [bin, folder] = [join(dir, 'bin'), join(dir, 'secrets')]
    await mkdir(bin)
    await mkdir(folder)
    await symlink(await findNatsCli(), join(bin, 'nats'))
    await writeFile(join(folder, 'NATS_OPS_URL'), nats.urlOf('ops'))
    env = {
      PATH: [bin, await findPostgres(), process.env.PATH].join(delimiter),
      HOME: dir,
      PGHOST: '127.0.0.1',
      PGPORT: new URL(database.url).port,
      PGUSER: 'postgres',
    }
  }

  async function createDatabase() {
    const roles = join(root, 'deploy', 'postgres', 'roles.sql')
    await shell(`createdb natter && psql --quiet natter -f ${roles}`)
    const migrated = await runtime(['migrate', join(root, 'functions'), join(root, 'apps')], {
      env: { DATABASE_URL: databaseUrl('natter_owner') },
    })
    expect(migrated.code, migrated.stderr).toBe(0)
  }

  const databaseUrl = (role: string) => `postgres://${role}@${new URL(database.url).host}/natter`
  const runtimeEnv = () => ({
    NATS_URL: nats.urlOf('functions'),
    NATS_AUTH_URL: nats.urlOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    DATABASE_URL: databaseUrl('natter_runtime'),
    OIDC_ISSUER: issuer.url,
    OIDC_CLIENT_IDS: 'nats-chat-app,natter-cli',
    NATTER_ID_KEY: secrets.idKey,
    RATE_LIMIT_FACTOR: '10000',
  })

  async function startRuntime() {
    running = await startRuntimeService({ dir, args: ['--no-migrate'], env: runtimeEnv() })
  }

  async function shell(script: string): Promise<CommandResult> {
    const result = await run('bash', ['-euc', script], { env, cwd: dir })
    expect(result.code, result.stdout + result.stderr).toBe(0)
    return result
  }

  /** Returns the `sh` code block of docs/operations.md that contains this text. */
  function commandsWith(text: string): string {
    const blocks = [...guide.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block)
    const found = blocks.find((block) => block.includes(text))
    expect(found, `commands with ${text}`).toBeDefined()
    return found ?? ''
  }

  const login = (person: string) => createTestUser({ nats: nats.url, issuer: issuer.url }, person)

  /** Sends messages in three parallel loops until the signal aborts, and returns these messages. */
  function sendAll(user: TestUser, room: string, signal: AbortSignal): Promise<Sent[]> {
    const send = async () => {
      const acknowledged: Sent[] = []
      while (!signal.aborted) {
        const [text, clientId] = [crypto.randomUUID(), newClientId()]
        const { id, seq } = await user.client.call('send', { room, clientId, text })
        acknowledged.push({ text, clientId, id, seq, at: performance.now() })
      }
      return acknowledged
    }
    return Promise.all([send(), send(), send()]).then((all) => all.flat())
  }

  async function readHistory(user: TestUser, room: string): Promise<string[]> {
    const texts: string[] = []
    for (let before: number | undefined; ; ) {
      const cursor = before === undefined ? {} : { before }
      const page = await user.client.call('chat.history', { room, limit: 100, ...cursor })
      texts.unshift(...page.messages.map(({ text }) => text))
      before = page.messages[0]?.seq
      if (!page.before) return texts
    }
  }

  async function countPersisted(): Promise<number> {
    const sql = postgres(databaseUrl('postgres'), { onnotice: () => {} })
    const [row] = await sql`select count(*) from messages`
    await sql.end()
    return Number(row?.count)
  }

  async function stopAndDeleteNats() {
    await nats.kill('SIGKILL')
    await rm(join(dir, 'nats'), { recursive: true })
    await mkdir(join(dir, 'nats'), { mode: 0o700 })
    await nats.restart()
  }

  const room = newRoomId()

  it('back up and restore NATS and PostgreSQL, and lose no message that was acknowledged before the backup', async () => {
    const alice = await login('alice')
    await alice.client.call('room.create', { room, name: 'A room', kind: 'public' })
    const page = await (await browser.newContext({ locale: 'en-US' })).newPage()
    page.setDefaultTimeout(60_000)
    const visitor = watch(page)
    await logIn(page, `${web.url}/r/${room}`, 'bob')
    await page.getByRole('button', { name: 'Join room' }).click()
    await page.locator('#composer').waitFor()

    const stopping = new AbortController()
    const sending = sendAll(alice, room, stopping.signal)
    await expect.poll(countPersisted).toBeGreaterThan(20)
    const begun = performance.now()
    await shell(commandsWith('pg_dump --create'))
    const ended = performance.now()
    const later = await alice.send(room, 'not in the backup')
    stopping.abort()
    sent = (await sending).sort((a, b) => a.seq - b.seq)
    await message(page, 'not in the backup').waitFor()
    await alice[Symbol.asyncDispose]()

    network.cut()
    await running?.kill('SIGKILL')
    await database.stop()
    await stopAndDeleteNats()
    await startDatabase()
    await shell(commandsWith('pg_restore --create'))
    await startRuntime()

    const again = await login('alice')
    const before = sent.filter(({ at }) => at < begun)
    const restored = await readHistory(again, room)
    expect(before.length).toBeGreaterThan(20)
    expect(sent.some(({ at }) => at > begun && at < ended)).toBe(true)
    expect(restored).toEqual(sent.slice(0, restored.length).map(({ text }) => text))
    expect(restored.length).toBeGreaterThanOrEqual(before.length)
    expect(restored).not.toContain('not in the backup')
    await expect.poll(countPersisted).toBe(restored.length)
    sent = sent.slice(0, restored.length)

    const [first] = sent as [Sent]
    const repeated = { room, clientId: first.clientId, text: first.text }
    expect(await again.client.call('send', repeated)).toMatchObject({ id: first.id })

    // Send until the restored stream has passed the last sequence number that the page has seen.
    // This number then belongs to different messages in the lost stream and in the restored one,
    // and the page must show those of the restored stream.
    for (let seq = 0; seq <= later.seq; ) {
      const [text, clientId] = [crypto.randomUUID(), newClientId()]
      const answer = await again.client.call('send', { room, clientId, text })
      seq = answer.seq
      sent.push({ text, clientId, id: answer.id, seq, at: performance.now() })
    }
    network.restore()
    await message(page, sent.at(-1)?.text ?? '').waitFor()
    const shown = sent.slice(-20).map(({ text }) => text)
    await expect
      .poll(async () => {
        const texts = await page.getByRole('log').getByRole('article').allInnerTexts()
        return shown.map((text) => texts.findIndex((each) => each.includes(text)))
      })
      .toSatisfy((places: number[]) =>
        places.every((place, n) => place >= 0 && (n === 0 || place === (places[n - 1] ?? 0) + 1)),
      )
    expect(await message(page, 'not in the backup').count()).toBe(0)
    expect(visitor.problems.filter((each) => !each.includes('WebSocket'))).toEqual([])
    await page.context().close()
    await again[Symbol.asyncDispose]()
  })

  it('restore an older database, to which the runtime then adds the missing events of the stream', async () => {
    await running?.stop()
    await database.stop()
    await startDatabase()
    await shell(commandsWith('pg_restore --create').replace(/^for .*?^done$/ms, ''))
    await startRuntime()

    await using alice = await login('alice')
    await expect.poll(countPersisted, { timeout: 60_000 }).toBe(sent.length)
    expect(await readHistory(alice, room)).toEqual(sent.map(({ text }) => text))
    expect(await readFile(running?.log.path ?? '', 'utf8')).toContain(
      'the store lacks messages that are acknowledged',
    )
  })

  it('let a lost stream continue after the last sequence number in the database', async () => {
    await running?.stop()
    await stopAndDeleteNats()
    const failed = await runtime(['start', join(root, 'functions'), '--no-migrate'], {
      env: runtimeEnv(),
    })
    expect(failed.code).toBe(1)
    const [, command = ''] =
      /"(nats stream purge CHAT_MESSAGES --seq \d+)"/.exec(failed.stderr) ?? []
    const documented = commandsWith('nats stream purge').trim()
    expect(documented.replace(/\d+/, '')).toBe(`${command} -f`.replace(/\d+/, ''))

    await shell(`export NATS_URL="$(cat secrets/NATS_OPS_URL)"; ${command} -f`)
    await startRuntime()

    await using alice = await login('alice')
    const { seq } = await alice.send(room, 'after the loss')
    const last = sent.at(-1)?.seq ?? 0
    expect(seq).toBeGreaterThan(last)
    expect(await readHistory(alice, room)).toEqual([
      ...sent.map(({ text }) => text),
      'after the loss',
    ])
    expect(await alice.client.call('chat.sync', { room, since: last })).toEqual({
      recovered: false,
    })
  })
})
