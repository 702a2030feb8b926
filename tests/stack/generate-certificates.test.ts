import { X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../support/command-line.ts'

const script = join(import.meta.dirname, '..', '..', 'stack', 'generate-certificates.ts')

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'natter-certificates-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const generate = (folder: string, ...args: string[]) =>
  run(process.execPath, [script, folder, ...args])

const read = async (folder: string, name: string) =>
  new X509Certificate(await readFile(join(folder, name)))

describe('npm run certificates', { timeout: 60_000 }, () => {
  it('writes a certificate authority, and certificates for the given names, signed by that authority', async () => {
    const folder = join(dir, 'names')
    expect(await generate(folder, 'nats-1,nats-1.internal,10.0.0.1', 'db')).toMatchObject({
      code: 0,
    })
    const [authority, nats, db] = await Promise.all(
      ['ca.crt', 'nats-1.crt', 'db.crt'].map((name) => read(folder, name)),
    )

    expect(authority?.ca).toBe(true)
    expect(nats?.subjectAltName).toBe('DNS:nats-1, DNS:nats-1.internal, IP Address:10.0.0.1')
    for (const certificate of [nats, db]) {
      expect(certificate?.ca).toBe(false)
      expect(certificate?.verify((authority as X509Certificate).publicKey)).toBe(true)
    }
  })

  it('writes certificates that are valid for the given number of days, and rejects more than 3650', async () => {
    const folder = join(dir, 'days')
    await generate(folder, 'db', '--days', '3650')
    const { validFromDate, validToDate } = await read(folder, 'db.crt')
    expect(validToDate.getTime() - validFromDate.getTime()).toBe(3_650 * 86_400_000)

    expect(await generate(folder, 'other', '--days', '4000')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/--days is "4000": use a number from 1 to 3650/),
    })
  })

  it('writes files that other users of this machine cannot reach', async () => {
    const folder = join(dir, 'modes')
    await generate(folder, 'db')
    const mode = async (path: string) => (await stat(path)).mode & 0o777

    expect(await mode(folder)).toBe(0o700)
    for (const name of ['ca.key', 'db.key']) expect(await mode(join(folder, name))).toBe(0o600)
  })

  it('uses an existing authority, and never overwrites a file', async () => {
    const folder = join(dir, 'again')
    await generate(folder, 'first')
    const before = await Promise.all(
      ['ca.key', 'first.key'].map((it) => readFile(join(folder, it))),
    )
    expect(await generate(folder, 'second')).toMatchObject({ code: 0 })
    const { code, stderr } = await generate(folder, 'third', 'first')

    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/first\.crt exists: delete it/),
    })
    const after = await Promise.all(['ca.key', 'first.key'].map((it) => readFile(join(folder, it))))
    expect(after).toEqual(before)
    expect(await readdir(folder)).not.toContain('third.crt')
    const authority = await read(folder, 'ca.crt')
    expect((await read(folder, 'second.crt')).verify(authority.publicKey)).toBe(true)
  })

  it('fails if the key of the authority is missing', async () => {
    const folder = join(dir, 'keyless')
    await generate(folder, 'first')
    await unlink(join(folder, 'ca.key'))

    expect(await generate(folder, 'second')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has only one of ca.crt and ca.key'),
    })
  })

  it.each([
    [[], 'give the names of at least one certificate'],
    [['https://chat.example.com'], 'is neither a host name nor an IP address'],
    [['a b'], 'is neither a host name nor an IP address'],
    [['chat,bad/name'], '"bad/name" is neither'],
    [['*.example.com'], 'cannot be the first name'],
    [['ca'], 'cannot be the first name'],
    [['db', 'db,other'], 'two certificates would be written to db.crt'],
  ])('rejects the arguments %j, and writes nothing', async (args, reason) => {
    expect(await generate(join(dir, 'wrong'), ...args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(reason),
    })
    expect(await readdir(dir)).not.toContain('wrong')
  })
})
