import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { AppId } from '#schema/messages/app'
import { startProcess } from '../../stack/services/process.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import {
  bin,
  type CommandLine,
  createCommandLine,
  greet,
  runtime,
} from '../support/command-line.ts'
import { startDatabase } from '../support/servers.ts'

const root = join(import.meta.dirname, '..', '..')
const functions = join(root, 'functions')
const apps = join(root, 'apps')

let dir: string
let bench: CommandLine
let database: ProcessService
let superuser: Sql
let env: Record<string, string>

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'natter-migrate-'))
  bench = await createCommandLine()
  database = await startDatabase('postgres', dir)
  superuser = postgres(database.url, { onnotice: () => {} })
  await superuser.unsafe(await readFile(join(root, 'deploy', 'postgres', 'roles.sql'), 'utf8'))
  env = {
    NATS_URL: bench.nats.urlOf('functions'),
    NATS_AUTH_URL: bench.nats.urlOf('auth'),
    NATS_CALLOUT_SEED: bench.secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: bench.secrets.calloutXkeySeed,
    NATTER_ID_KEY: bench.secrets.idKey,
    OIDC_ISSUER: 'http://127.0.0.1:1',
    DATABASE_URL: urlOf('natter_runtime'),
  }
})

afterAll(async () => {
  await superuser?.end()
  await bench?.[Symbol.asyncDispose]()
  await database?.stop()
  await rm(dir, { recursive: true, force: true })
})

const urlOf = (role: string) => database.url.replace('postgres@', `${role}@`)
const migrate = (role = 'natter_owner') =>
  runtime(['migrate', functions, apps], { env: { DATABASE_URL: urlOf(role) } })

async function countMigrations() {
  const [row] = await superuser`select count(*)::int as count from drizzle.__drizzle_migrations`
  return row?.count
}

describe('runtime migrate', { timeout: 120_000 }, () => {
  it('fails for a database role that may not create tables', async () => {
    const { code, stderr } = await migrate('natter_runtime')

    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('permission denied'),
    })
  })

  it('applies the missing migrations, so that a waiting `runtime start --no-migrate` becomes ready', async () => {
    await using waiting = await startProcess({
      dir,
      name: 'waiting',
      command: () => ({
        file: process.execPath,
        args: [bin, 'start', functions, apps, '--no-migrate', '--no-supervisor'],
        env: { ...process.env, ...env },
      }),
      ready: (log, from, signal) =>
        log.line(/unavailable, retrying/, { from, signal, within: 60_000 }),
    })
    expect(waiting.log.tail()).toMatch(
      /Migrations are missing in the database \(\d+\): run \\"runtime migrate\\" with the same folders/,
    )

    expect(await migrate()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"msg":"migrated"'),
    })

    await waiting.log.line(/"msg":"ready"/, { within: 60_000 })
  })

  it('applies no migration a second time, even if two commands run at once', async () => {
    const before = await countMigrations()

    const results = await Promise.all([migrate(), migrate()])

    expect(results.map(({ code }) => code)).toEqual([0, 0])
    expect(await countMigrations()).toBe(before)
  })

  it('prints that there is nothing to do if no file _setup.ts exports migrate', async () => {
    const folder = await bench.write({ 'greet.ts': greet })

    expect(await runtime(['migrate', folder])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('exports migrate: there is nothing to do'),
    })
  })

  it('fails with a list of the files that it cannot load', async () => {
    const folder = await bench.write({ '_setup.ts': 'throw new Error("broken")' })

    expect(await runtime(['migrate', folder])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot migrate:\n.*_setup\.ts: .*broken/),
    })
  })
})

describe('the role natter_runtime', { timeout: 120_000 }, () => {
  it('may not create, change or drop tables', async () => {
    const sql = postgres(urlOf('natter_runtime'))
    try {
      for (const statement of [
        'create table public.other (id int)',
        'create schema other',
        'alter table rooms add column other int',
        'drop table rooms',
        'truncate rooms',
        'drop schema app_poll cascade',
      ])
        await expect(sql.unsafe(statement), statement).rejects.toMatchObject({ code: '42501' })
    } finally {
      await sql.end()
    }
  })

  it('may write rows, but drops an app’s tables only by apps.remove: its SQL function runs as the owner of the tables', async () => {
    await using _ = await bench.start(functions, ['--no-migrate'], env)
    const client = createClient(await bench.connect(), { contracts, user: 'ada' })
    await superuser`insert into users (id, name) values ('ada', 'Ada')`

    await client.call('room.create', { room: 'attic', name: 'Attic', kind: 'public' })
    await client.call('apps.remove', { app: 'poll' as AppId })

    expect(await superuser`select name from rooms where id = 'attic'`).toEqual([{ name: 'Attic' }])
    const schemas = await superuser`select nspname as name from pg_namespace order by 1`
    expect(schemas.map(({ name }) => name)).not.toContain('app_poll')
    expect(schemas.map(({ name }) => name)).toContain('app_standup')
  })
})
