import { mkdir, mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseEnv } from 'node:util'
import { connect } from '@nats-io/transport-node'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { freePort } from '../../stack/ports.ts'
import { startOidcProvider } from '../../stack/services/oidc-provider.ts'
import { startProcess } from '../../stack/services/process.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import { run, runtime } from '../support/command-line.ts'
import { startDatabase } from '../support/servers.ts'
import { fetchAccessToken } from '../support/tokens.ts'

const root = join(import.meta.dirname, '..', '..')
const script = join(root, 'stack', 'generate-secrets.ts')

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'natter-secrets-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const generate = (folder: string, ...args: string[]) =>
  run(process.execPath, [script, folder, ...args])

async function contentsOf(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder)
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return Object.fromEntries(names.map((name, index) => [name, texts[index]?.trimEnd() ?? '']))
}

describe('npm run secrets', { timeout: 120_000 }, () => {
  it('keeps existing files, and derives missing ones from them', async () => {
    const folder = join(dir, 'again')
    expect(await generate(folder)).toMatchObject({ code: 0, stderr: '' })
    const before = await contentsOf(folder)
    for (const name of ['NATS_URL', 'NATS_CALLOUT_ISSUER', 'nats.env'])
      await unlink(join(folder, name))

    const { stdout } = await generate(folder, '--nats', 'nats-1:4222, tls://nats-2:4222')

    const password = before.NATS_FUNCTIONS_PASSWORD
    const NATS_URL = `nats://functions:${password}@nats-1:4222,tls://functions:${password}@nats-2:4222`
    expect(stdout).toContain('wrote 3 files')
    expect(await contentsOf(folder)).toEqual({ ...before, NATS_URL })
  })

  it('keeps files whose hosts or passwords differ from the new ones, but lists them with the command that deletes them', async () => {
    const folder = join(dir, 'other-hosts')
    await generate(folder)
    const before = await contentsOf(folder)

    const { code, stderr } = await generate(folder, '--nats', 'tls://nats.internal:4222')

    expect(await contentsOf(folder)).toEqual(before)
    expect(code).toBe(0)
    expect(stderr).toContain(
      `${join(folder, 'NATS_URL')} is nats://functions:…@127.0.0.1:4222, not tls://functions:…@nats.internal:4222`,
    )
    expect(stderr).not.toContain(before.NATS_FUNCTIONS_PASSWORD)
    const [, names = ''] = /^ {2}rm (.+)$/m.exec(stderr) ?? []
    expect(names.split(' ').map((path) => basename(path))).toEqual([
      'NATS_URL',
      'NATS_AUTH_URL',
      'NATS_OPS_URL',
      'NATS_SYS_URL',
    ])

    await unlink(join(folder, 'DATABASE_PASSWORD'))
    expect((await generate(folder)).stderr).toContain(
      `${join(folder, 'DATABASE_URL')} has another password`,
    )
  })

  it('uses the hosts of the existing files if it is called without options', async () => {
    const folder = join(dir, 'same-hosts')
    const options = [
      '--nats',
      'nats-1:4222,tls://nats-2:4222',
      '--database',
      'db/natter?sslmode=require',
    ]
    await generate(folder, ...options)
    const before = await contentsOf(folder)
    for (const name of ['NATS_OPS_URL', 'DATABASE_OWNER_URL']) await unlink(join(folder, name))

    expect(await generate(folder)).toMatchObject({ code: 0, stderr: '' })
    expect(await contentsOf(folder)).toEqual(before)
  })

  it('writes files that other users of this machine cannot reach', async () => {
    const folder = join(dir, 'modes')
    await mkdir(folder, { mode: 0o755 })
    await generate(folder)

    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder, 'NATS_URL'))).mode & 0o777).toBe(0o644)
  })

  it('fails for a public key that does not fit its seed, and writes nothing', async () => {
    const folder = join(dir, 'mixed')
    await mkdir(folder)
    await writeFile(join(folder, 'NATS_CALLOUT_ISSUER'), 'AANOTHERKEY')

    const { code, stderr } = await generate(folder)

    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('is not the public key of NATS_CALLOUT_SEED'),
    })
    expect(await readdir(folder)).toEqual(['NATS_CALLOUT_ISSUER'])
  })

  it.each([
    [['--nats', 'http://nats:4222'], '--nats begins with http://'],
    [['--database', 'postgres:5432'], '--database is "postgres:5432"'],
    [['other'], 'give one folder'],
  ])('rejects the arguments %j, and writes nothing', async (args, reason) => {
    expect(await generate(join(dir, 'wrong'), ...args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(reason),
    })
    expect(await readdir(dir)).not.toContain('wrong')
  })

  it('writes all secrets that nats-server, PostgreSQL and the runtime need for the login of a user', async () => {
    await using started = new AsyncDisposableStack()
    const [port, webSocketPort] = [await freePort(), await freePort()]
    const database = started.use(await startDatabase('postgres', dir))
    const folder = join(dir, 'whole')
    const databaseHost = new URL(database.url).host
    await generate(folder, '--nats', `127.0.0.1:${port}`, '--database', `${databaseHost}/postgres`)
    const secrets = await contentsOf(folder)

    await createRoles(database.url, secrets)
    started.use(
      await startProcess({
        dir,
        name: 'nats-server',
        command: () => ({
          file: natsServer,
          args: ['-c', join(root, 'nats.conf')],
          env: {
            ...parseEnv(secrets['nats.env'] ?? ''),
            NATS_SERVER_NAME: 'natter',
            NATS_HOST: '127.0.0.1',
            NATS_PORT: String(port),
            NATS_WS_PORT: String(webSocketPort),
            NATS_MONITOR: '127.0.0.1:0',
            NATS_STORE_DIR: JSON.stringify(join(dir, 'nats')),
            NATS_SYNC_INTERVAL: '2s',
            NATS_WEB_ORIGINS: '["http://localhost:3000"]',
          },
        }),
        ready: (log, from, signal) =>
          log.line(/Server is ready$/, { from, signal, within: 30_000 }),
      }),
    )
    const issuer = started.use(await startOidcProvider({ dir }))
    const file = (name: string) => join(folder, name)

    const migrated = await runtime(['migrate', join(root, 'functions'), join(root, 'apps')], {
      env: { DATABASE_URL_FILE: file('DATABASE_OWNER_URL') },
    })
    expect(migrated.code, migrated.stderr).toBe(0)
    started.use(
      await startRuntimeService({
        dir,
        args: ['--no-migrate'],
        env: {
          OIDC_ISSUER: issuer.url,
          OIDC_CLIENT_IDS: 'natter-cli',
          NATS_URL_FILE: file('NATS_URL'),
          NATS_AUTH_URL_FILE: file('NATS_AUTH_URL'),
          NATS_CALLOUT_SEED_FILE: file('NATS_CALLOUT_SEED'),
          NATS_CALLOUT_XKEY_SEED_FILE: file('NATS_CALLOUT_XKEY_SEED'),
          NATTER_ID_KEY_FILE: file('NATTER_ID_KEY'),
          DATABASE_URL_FILE: file('DATABASE_URL'),
        },
      }),
    )

    const token = await fetchAccessToken(issuer.url, 'bob')
    const nc = await connect({
      servers: `127.0.0.1:${port}`,
      token,
      inboxPrefix: 'deliver.bob.reply',
    })
    onTestFinished(() => nc.close())
    const client = createClient(nc, { contracts, user: 'bob' })
    const listed = await runtime(['ls', '--json'], { env: { NATS_URL_FILE: file('NATS_OPS_URL') } })

    expect(await client.call('users.me', {})).toMatchObject({ userId: 'bob' })
    expect(listed.stdout).toContain('users.me')
  })
})

const natsServer = await findNatsServer()

/** Creates the database roles, and makes the server require their passwords. */
async function createRoles(url: string, secrets: Record<string, string>) {
  const sql = postgres(url, { onnotice: () => {} })
  await sql.unsafe(await readFile(join(root, 'deploy', 'postgres', 'roles.sql'), 'utf8'))
  await sql.unsafe(`
    alter role natter_owner password '${secrets.DATABASE_OWNER_PASSWORD}';
    alter role natter_runtime password '${secrets.DATABASE_PASSWORD}'`)
  const [row] = await sql`select current_setting('hba_file') as file`
  const hba = await readFile(row?.file, 'utf8')
  const rule = 'host all natter_owner,natter_runtime 127.0.0.1/32 scram-sha-256\n'
  await writeFile(row?.file, rule + hba)
  await sql`select pg_reload_conf()`
  await sql.end()
}
