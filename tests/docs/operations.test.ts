import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findNatsCli } from '../../stack/install/nats-cli.ts'
import { findPostgres } from '../../stack/install/postgres.ts'
import { readFunctions } from '../../stack/observability/functions.ts'
import { bin, type CommandResult, run } from '../support/command-line.ts'
import { type Servers, startServers } from '../support/servers.ts'
import { createTestUser } from '../support/test-user.ts'

const root = join(import.meta.dirname, '..', '..')
const guide = await readFile(join(root, 'docs', 'operations.md'), 'utf8')

/** The commands for backup and restore are run by tests/reliability/backup.test.ts. */
describe('docs/operations.md', { timeout: 120_000 }, () => {
  let dir: string
  let postgres: string
  let servers: Servers

  beforeAll(async () => {
    postgres = await findPostgres()
    dir = await mkdtemp(join(tmpdir(), 'natter-operations-'))
    servers = await startServers('postgres')
    await mkdir(join(dir, 'bin'))
    await mkdir(join(dir, 'secrets'))
    await symlink(await findNatsCli(), join(dir, 'bin', 'nats'))
    const runtime = `exec '${process.execPath}' '${bin}' "$@"`
    await writeFile(join(dir, 'bin', 'runtime'), `#!/bin/sh\n${runtime}\n`, { mode: 0o755 })
    for (const user of ['ops', 'sys'] as const)
      await writeFile(
        join(dir, 'secrets', `NATS_${user.toUpperCase()}_URL`),
        servers.nats.urlOf(user),
      )
    await writeFile(join(dir, 'secrets', 'DATABASE_URL'), servers.urls.databaseUrl)
  })
  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })

  function shell(script: string): Promise<CommandResult> {
    const path = [join(dir, 'bin'), postgres, process.env.PATH].join(delimiter)
    const env = { PATH: path, HOME: dir }
    return run('bash', ['-euc', script], { env, cwd: dir })
  }

  it('has a command that deactivates a user, closes their connections and rejects their logins', async () => {
    const [commands = ''] =
      guide.match(/export NATS_URL=.*\nruntime call admin\.deactivate .*/) ?? []
    const users = { nats: servers.urls.nats, issuer: servers.urls.issuer }
    const bob = await createTestUser(users, 'bob')
    await using alice = await createTestUser(users, 'alice')
    await alice.client.call('room.list', {})
    await bob.client.call('room.list', {})
    const asBob = commands.replace('"ben"', '"bob"').replace('--as ada', '--as alice')
    expect(asBob).toContain('bob')

    expect(await shell(asBob)).toMatchObject({ code: 0 })

    await expect(bob.client.call('users.me', {})).rejects.toThrow()
    await expect(createTestUser(users, 'bob')).rejects.toThrow(/Authorization/)
    expect(servers.runtime.log.read(0)).toMatch(/"userId":"bob","by":"alice".*"user deactivated"/)

    expect(await shell(asBob.replace('deactivate', 'reactivate'))).toMatchObject({ code: 0 })
    await expect
      .poll(async () => {
        const again = await createTestUser(users, 'bob').catch(() => undefined)
        await again?.[Symbol.asyncDispose]()
        return again !== undefined
      })
      .toBe(true)
    await bob[Symbol.asyncDispose]()
  })

  it('has commands that show the events of a room, and the number of events left to persist', async () => {
    await using alice = await createTestUser(
      { nats: servers.urls.nats, issuer: servers.urls.issuer },
      'alice',
    )
    await alice.send('general', 'hello')
    const connect = 'export NATS_URL="$(cat secrets/NATS_OPS_URL)"'
    for (const [command, expected] of [
      ['nats stream get CHAT_MESSAGES --last-for chat.general', /"text":"hello"/],
      ["nats req fn.persist ''", /\d/],
      ['nats -s "$(cat secrets/NATS_SYS_URL)" server report connections', /Connections/],
    ] as const) {
      expect(guide).toContain(`\`${command}\``)
      const { code, stdout, stderr } = await shell(`${connect}\n${command} < /dev/null`)
      expect(code, stderr).toBe(0)
      expect(stdout).toMatch(expected)
    }
  })

  it('has runbooks whose commands for PostgreSQL and disks can be run', async () => {
    const runbooks = await readFile(join(root, 'docs', 'runbooks.md'), 'utf8')
    const [prelude] = runbooks.match(/^export NATS_URL=.*$/m) ?? []
    const lines = runbooks.split('\n').filter((line) => /^(psql|df) /.test(line))
    const statements = [...runbooks.matchAll(/`(select [^`]+)`/g)].map(([, sql]) => sql)
    expect([lines.length, statements.length]).toEqual([3, 1])
    const commands = [...lines, ...statements.map((sql) => `psql "$DATABASE_URL" -c "${sql}"`)]
    for (const command of commands) {
      const here = command.replaceAll(/\/var\/lib\/\w+/g, dir)
      const { code, stdout, stderr } = await shell(`${prelude}\n${here}`)

      expect(code, stderr).toBe(0)
      expect(stdout, command).toMatch(/\(\d rows?\)|Filesystem/)
    }
  })

  it('has runbooks that search only for log messages that the code contains', async () => {
    const runbooks = await readFile(join(root, 'docs', 'runbooks.md'), 'utf8')
    const folders = ['functions', 'domain', 'runtime'].map((name) => join(root, name))
    const ofOtherPrograms = ['could not extend', 'No space left']
    const patterns = [...runbooks.matchAll(/^(?:curl .*)?grep (?:-E )?'([^']+)' runtime\.log/gm)]
    expect(patterns.length).toBeGreaterThan(5)
    for (const [, pattern = ''] of patterns) {
      const text = pattern.replaceAll(/"(level|function)":("[^"]+"|\(?[\d|]+\)?)|"msg":|"/g, '')
      for (const words of expandAlternatives(text)) {
        if (words === '' || ofOtherPrograms.includes(words)) continue
        const { stdout } = await run('grep', ['-rlF', words, ...folders])
        expect(stdout, words).not.toBe('')
      }
    }
  })

  it('and the runbooks name only functions that exist', async () => {
    const { all } = await readFunctions([join(root, 'functions'), join(root, 'apps')])
    const runbooks = await readFile(join(root, 'docs', 'runbooks.md'), 'utf8')
    const named = functionNames(guide + runbooks)

    expect(named).toEqual(expect.arrayContaining(['room.list', 'admin.deactivate', 'persist']))
    expect(named.filter((name) => !all.includes(name))).toEqual([])
  })

  it('has runbooks that use names and labels of the manifests for Kubernetes', async () => {
    const runbooks = await readFile(join(root, 'docs', 'runbooks.md'), 'utf8')
    const file = join(root, 'deploy', 'kubernetes', 'base', 'runtime.yaml')
    const manifest = await readFile(file, 'utf8')
    const names = [...runbooks.matchAll(/(?:exec|restart) deploy\/([\w-]+)/g)].map(
      ([, name]) => `name: ${name}`,
    )
    const labels = [...runbooks.matchAll(/-l (\S+)=(\S+)/g)].map(([, key, it]) => `${key}: ${it}`)

    expect(names.length * labels.length).toBeGreaterThan(0)
    for (const text of [...names, ...labels]) expect(manifest).toContain(text)
  })

  it('backs up only streams and buckets that exist', async () => {
    const { stdout } = await shell('nats -s "$(cat secrets/NATS_OPS_URL)" stream ls --all --names')
    const streams = stdout.split(/\s+/)
    const [, list = ''] = /grep -E '\^\((.*?)\)\$'/.exec(guide) ?? []
    const backedUp = list.replace('CHAT_MESSAGES.*', 'CHAT_MESSAGES').split('|')

    expect(backedUp).toContain('CHAT_MESSAGES')
    expect(streams).toEqual(expect.arrayContaining(backedUp))
  })
})

/** Returns the names of functions in code spans such as `msg.get`, and in commands such as `runtime call send`. */
function functionNames(text: string): string[] {
  const spans = text.matchAll(/`([a-z]+(?:\.[a-z-]+)+)`/g)
  const commands = text.matchAll(
    /(?:\bruntime (?:call|info|stats) |"function":"|\bfn\.)([a-z][a-z.-]*)/g,
  )
  const isFile = (name: string) => /\.(conf|env|json|log|mjs|ts|yaml|yml)$/.test(name)
  return [...spans, ...commands].map(([, name = '']) => name).filter((name) => !isFile(name))
}

/** Returns the texts that a pattern like `a (b|c)` or `a|b` matches. */
function expandAlternatives(pattern: string): string[] {
  const [, before = '', inside, after = ''] = /^(.*?)\((.+?)\)(.*)$/.exec(pattern) ?? []
  if (inside === undefined) return pattern.split('|')
  return inside.split('|').flatMap((part) => expandAlternatives(before + part + after))
}
