import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { db } from '#schema/db'
import { unprivilegedUser } from '../../stack/services/postgres.ts'
import { type CommandResult, run } from '../support/command-line.ts'
import { useDatabase } from '../support/database-fixture.ts'

const script = `
import { closeDb, db, migrate } from '#schema/db'
import { sql } from 'drizzle-orm'
await migrate()
const rows = await db.execute(sql\`select ssl from pg_stat_ssl where pid = pg_backend_pid()\`)
console.log(rows[0].ssl ? 'with TLS' : 'without TLS')
await closeDb()`

describe('the sslmode of DATABASE_URL', { timeout: 60_000 }, () => {
  const database = useDatabase('postgres')
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-tls-'))
    await chmod(dir, 0o755)
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  /** Makes PostgreSQL use a self-signed certificate for `host`. Returns the certificate's path. */
  async function useCertificateOf(host: string): Promise<string> {
    const [cert, key] = [join(dir, `${host}.pem`), join(dir, `${host}.key`)]
    const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'.split(' ')
    const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
    execFileSync('openssl', [...request, ...names, '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    })
    const user = await unprivilegedUser()
    if (user) await chown(key, user.uid, user.gid)
    const settings = { ssl_cert_file: cert, ssl_key_file: key, ssl: 'on' }
    for (const [name, value] of Object.entries(settings))
      await db.execute(sql.raw(`alter system set ${name} = '${value}'`))
    await db.execute(sql`select pg_reload_conf()`)
    await vi.waitFor(async () => {
      const [row] = await db.execute(sql`select current_setting('ssl_cert_file') as cert`)
      expect(row?.cert).toBe(cert)
    })
    return cert
  }

  function connect(sslmode: string, trusted?: string): Promise<CommandResult> {
    const url = new URL(database().url)
    url.hostname = 'localhost'
    url.search = sslmode && `?sslmode=${sslmode}`
    const env = {
      DATABASE_URL: url.href,
      ...(trusted ? { NODE_EXTRA_CA_CERTS: trusted } : {}),
    }
    return run(process.execPath, ['--input-type=module', '-e', script], { env })
  }

  it('enforces TLS with the values require and verify-full', async () => {
    for (const sslmode of ['require', 'verify-full'])
      expect(await connect(sslmode)).toMatchObject({ code: 1, stdout: '' })

    const cert = await useCertificateOf('localhost')

    const withTls = { code: 0, stdout: 'with TLS\n' }
    expect(await connect('verify-full', cert)).toMatchObject(withTls)
    expect(await connect('require')).toMatchObject(withTls)
    expect(await connect('')).toMatchObject({ code: 0, stdout: 'without TLS\n' })
  })

  it('with the value verify-full rejects an untrusted certificate and one of another host', async () => {
    const rejected = {
      code: 1,
      stderr: expect.stringMatching(
        /DATABASE_URL: the certificate of the database cannot be verified.*NODE_EXTRA_CA_CERTS/,
      ),
    }
    const cert = await useCertificateOf('db.example')

    expect(await connect('verify-full')).toMatchObject(rejected)
    expect(await connect('verify-full', cert)).toMatchObject(rejected)
    expect(await connect('require')).toMatchObject({ code: 0, stdout: 'with TLS\n' })
  })
})
