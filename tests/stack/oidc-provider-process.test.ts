import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createClient, temporaryFolder } from '../support/oidc-client.ts'

describe('the process of the OpenID provider', () => {
  it('prints its issuer in one line, creates a new signing key on SIGHUP, and exits on SIGTERM', async () => {
    const folder = await temporaryFolder()
    const { child, lines, stderr, errors } = run({ ISSUER_DIR: folder, ISSUER_PORT: '0' })
    const ready = JSON.parse(String((await lines.next()).value))
    expect(ready).toEqual({ ready: true, issuer: expect.stringMatching(/\/realms\/nats-chat$/) })
    const before = await createClient(ready.issuer).login('bob')

    child.kill('SIGHUP')
    const [said] = await once(stderr, 'data')
    const after = await createClient(ready.issuer).login('bob')
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')

    expect(String(said)).toContain(String(decodeProtectedHeader(after.access_token).kid))
    expect(String(said)).not.toContain(decodeProtectedHeader(before.access_token).kid)
    expect(code).toBe(0)
    expect((await lines.next()).done).toBe(true)
    expect(await errors).not.toMatch(/oidc-provider|warning/i)
  })

  it('exits when its parent has exited', async () => {
    const { child, lines } = run({ ISSUER_DIR: await temporaryFolder(), ISSUER_PORT: '0' })
    await lines.next()

    child.disconnect()
    const [code] = await once(child, 'exit')

    expect(code).toBe(0)
  })

  it.each([
    ['ISSUER_DIR', ''],
    ['ISSUER_DIR', '/dev/null/folder'],
    ['ISSUER_PORT', '70000'],
    ['ISSUER_PORT', 'http'],
    ['ISSUER_HOST', ''],
    ['ISSUER_HOST', '203.0.113.1'],
    ['ISSUER_URL', 'http://localhost:8080/realms/nats-chat'],
    ['ISSUER_WEB_ORIGINS', 'http://localhost:3000,localhost'],
    ['ISSUER_WEB_ORIGINS', 'http://localhost:3000/'],
    ['ISSUER_LOGOUT_URL', 'localhost:9091'],
    ['ISSUER_ACCESS_TOKEN_TTL', '0'],
    ['ISSUER_ACCESS_TOKEN_TTL', '5m'],
  ])('exits with an error that names %s when its value is "%s"', async (name, value) => {
    const dir = await temporaryFolder()
    const { child, lines, errors } = run({ ISSUER_DIR: dir, ISSUER_PORT: '0', [name]: value })
    const [code] = await once(child, 'exit')

    expect(code).toBe(1)
    expect(await errors).toContain(name)
    expect((await lines.next()).done).toBe(true)
  })

  it('exits with an error that names the port when it is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { child, errors } = run({
      ISSUER_DIR: await temporaryFolder(),
      ISSUER_PORT: String(port),
    })

    expect(await once(child, 'exit')).toEqual([1, null])
    expect(await errors).toMatch(new RegExp(`ISSUER_PORT.*${port}`))
  })

  function run(env: Record<string, string>) {
    const main = join(import.meta.dirname, '..', '..', 'stack', 'oidc-provider', 'main.ts')
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const { stdout, stderr } = child
    if (!stdout || !stderr) throw new Error('a child without pipes')
    const lines = createInterface(stdout)[Symbol.asyncIterator]()
    return { child, lines, stderr, errors: text(stderr) }
  }
})
