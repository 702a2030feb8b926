import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readAddress } from '../../runtime/nats/address.ts'
import { connectToNats } from '../../runtime/nats/connect.ts'
import { freePort } from '../../stack/ports.ts'
import { type CommandLine, createCommandLine, greet, runtime } from '../support/command-line.ts'
import { type NatsProxy, startNatsProxy } from '../support/nats-proxy.ts'
import { startPlainNats } from '../support/plain-nats.ts'

let bench: CommandLine
let functions: string

beforeAll(async () => {
  bench = await createCommandLine()
  functions = await bench.write({ 'greet.ts': greet })
})
afterAll(() => bench?.[Symbol.asyncDispose]())

async function givenProxy(rewriteInfo?: (info: string) => string): Promise<NatsProxy> {
  const proxy = await startNatsProxy(bench.nats.ports.nats, rewriteInfo)
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  return proxy
}

async function givenFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'natter-connect-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

function givenCallout() {
  const callout = `import { callout, defineFunction } from '#runtime'
export default defineFunction(callout(), () => { throw new Error('unused') })`
  return bench.write({ 'login.ts': callout })
}

describe('an address', () => {
  it.each([
    ['localhost', { servers: ['localhost:4222'], tls: false, shown: 'nats://localhost:4222' }],
    ['tls://a.example', { servers: ['a.example:4222'], tls: true }],
    ['nats://[::1]:4333', { servers: ['[::1]:4333'], tls: false }],
    ['nats://me:p%40ss@a', { login: { user: 'me', pass: 'p@ss' }, shown: 'nats://me@a:4222' }],
    ['nats://t0ken@a', { login: { token: 't0ken' }, shown: 'nats://…@a:4222' }],
    [
      'nats://me:pw@a:1, tls://me:pw@b, c',
      {
        servers: ['a:1', 'b:4222', 'c:4222'],
        login: { user: 'me', pass: 'pw' },
        tls: true,
        shown: 'nats://me@a:1,tls://me@b:4222,nats://c:4222',
      },
    ],
  ])('such as %s is parsed into servers, login and TLS', (urls, expected) => {
    expect(readAddress('NATS_URL', urls)).toMatchObject(expected)
  })

  it.each([
    ['http://me:hunter2@a', /begins with http:\/\//],
    ['nats://', /is not a NATS URL/],
    ['nats://me:hunter2@a:port', /is not a NATS URL/],
    ['nats://me:hunter2,x@a', /URL 1 of 2, is not a NATS URL.*%2C/],
    ['nats://me:hunter2/x@a', /is not a NATS URL.*%2F/],
    ['nats://me:2/hunter2@a', /has a path.*%2F/],
    ['nats://me:2#hunter2@a', /fragment.*%23/],
    ['nats://me:hunter2%zz@a', /% without a two-digit code/],
    ['nats://:hunter2@a', /password without a user/],
    ['nats://a,nats://me:hunter2@b,nats://you:hunter2@c', /different logins/],
    ['nats://a,', /URL 2 of 2, is not a NATS URL/],
    ['nats://hunter2:pw@1.2.3.4.5', /is not a NATS URL/],
  ])('such as %s is rejected with an error that does not contain the password', (urls, reason) => {
    const read = () => readAddress('NATS_AUTH_URL', urls)

    expect(read).toThrow(reason)
    expect(read).toThrow(/^NATS_AUTH_URL/)
    expect(read).not.toThrow(/hunter2/)
  })

  it.each([
    ['start with NATS_URL', ['start'], { NATS_URL: 'nats://me:hunter2,x@a' }, 2],
    ['start with NATS_AUTH_URL', ['start'], { NATS_AUTH_URL: 'nats://me:hunter2/x@a' }, 1],
    ['start with --nats', ['start', '--nats', 'nats://me:hunter2/x@a'], {}, 2],
    ['ls with --nats', ['ls', '--nats', 'nats://me:hunter2%zz@a'], {}, 2],
  ])('is checked by %s, and no password is printed', async (_, [verb = '', ...args], env, code) => {
    const folder = verb === 'start' ? [functions] : []
    const result = await runtime([verb, ...folder, ...args], { env })

    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toMatch(/^error: (NATS_|--nats)/)
    expect(result.stderr).not.toContain('hunter2')
  })
})

describe('a URL that begins with tls://', () => {
  const secured = (url: string, port: number) =>
    url.replace('nats:', 'tls:').replace(/:\d+$/, `:${port}`)

  it.each(['start', 'ls'])(
    'makes runtime %s fail at a server without TLS, before the password is sent',
    async (verb) => {
      const proxy = await givenProxy()
      const user = verb === 'ls' ? 'ops' : 'functions'
      const url = secured(bench.nats.urlOf(user), proxy.port)
      const args = verb === 'start' ? ['start', functions] : ['ls']
      const { code, stderr } = await runtime(args, { env: { NATS_URL: url } })

      expect(code).toBe(1)
      expect(stderr).toMatch(/NATS_URL: the server at 127\.0\.0\.1:\d+ has no TLS/)
      expect(stderr).not.toContain(new URL(url).password)
      expect(proxy.sent()).toBe('')
    },
  )

  it('makes the start of the auth callout fail at a server without TLS, before the password is sent', async () => {
    const proxy = await givenProxy()
    const env = {
      NATS_URL: bench.nats.urlOf('functions'),
      NATS_AUTH_URL: secured(bench.nats.urlOf('auth'), proxy.port),
      NATS_CALLOUT_SEED: bench.secrets.calloutSeed,
      NATS_CALLOUT_XKEY_SEED: bench.secrets.calloutXkeySeed,
    }
    const { code, stderr } = await runtime(['start', await givenCallout()], { env })

    expect(code).toBe(1)
    expect(stderr).toMatch(/NATS_AUTH_URL: the server at .* has no TLS/)
    expect(proxy.sent()).toBe('')
  })

  it('connects with TLS only if the certificate is valid', async () => {
    const dir = await givenFolder()
    const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
    const request = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
    ]
    const subject = [
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
    ]
    execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    })
    await using nats = await startPlainNats(
      dir,
      `tls { cert_file: ${JSON.stringify(cert)}, key_file: ${JSON.stringify(key)} }`,
    )
    const NATS_URL = `tls://127.0.0.1:${nats.port}`
    const untrusted = await runtime(['start', functions], { env: { NATS_URL } })
    await using _ = await bench.start(functions, [], { NATS_URL, NODE_EXTRA_CA_CERTS: cert })
    const listed = await runtime(['ls'], { env: { NATS_URL, NODE_EXTRA_CA_CERTS: cert } })

    expect(untrusted.code).toBe(1)
    expect(untrusted.stderr).toMatch(/certificate that cannot be verified.*NODE_EXTRA_CA_CERTS/)
    expect(untrusted.stderr.match(/self.signed certificate/g)).toHaveLength(1)
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^greet /m) })
  })
})

describe('a list of servers', () => {
  it('is tried until one of the servers is available', async () => {
    const url = `nats://127.0.0.1:1,${bench.nats.urlOf('functions')}`
    await using _ = await bench.start(functions, [], { NATS_URL: url })
    const ops = `nats://127.0.0.1:1,${bench.nats.urlOf('ops')}`
    const { code, stdout } = await runtime(['ls'], { env: { NATS_URL: ops } })

    expect(code).toBe(0)
    expect(stdout).toMatch(/^greet /m)
  })

  it('is used for reconnects, including servers that were unavailable at the first connect', async () => {
    const dir = await givenFolder()
    await using first = await startPlainNats(dir)
    await using second = await startPlainNats(dir)
    await first.stop()
    const address = readAddress('NATS_URL', `127.0.0.1:${first.port},127.0.0.1:${second.port}`)
    const nc = await connectToNats(address, 'test')
    onTestFinished(() => nc.close())
    const reconnected = (async () => {
      for await (const status of nc.status()) if (status.type === 'reconnect') return status.server
      return undefined
    })()
    await using again = await startPlainNats(dir, '', first.port)
    await second.stop()

    await expect(reconnected).resolves.toBe(`127.0.0.1:${again.port}`)
  })

  it('is not extended by the internal addresses that a cluster announces', async () => {
    const dir = await givenFolder()
    let dialled = 0
    const inner = createServer(() => dialled++).listen(0, '127.0.0.1')
    onTestFinished(() => void inner.close())
    await once(inner, 'listening')
    const innerAddress = `127.0.0.1:${(inner.address() as AddressInfo).port}`
    const [port, ...routes] = await Promise.all([freePort(), freePort(), freePort()])
    const cluster = (index: 0 | 1) =>
      `server_name: nats-${index}, client_advertise: "${innerAddress}"
       cluster { name: test, listen: "127.0.0.1:${routes[index]}", routes: ["nats://127.0.0.1:${routes[1 - index]}"] }`
    await using server = await startPlainNats(dir, cluster(0), port)
    await using _ = await startPlainNats(dir, cluster(1))
    const nc = await connectToNats(readAddress('NATS_URL', `127.0.0.1:${port}`), 'test')
    onTestFinished(() => nc.close())
    await expect.poll(() => nc.info?.connect_urls).toContain(innerAddress)
    const reconnected = (async () => {
      for await (const { type } of nc.status()) if (type === 'reconnect') return
    })()

    await server.restart()

    await reconnected
    expect(nc.getServers().map(({ listen }) => listen)).toEqual([`127.0.0.1:${port}`])
    expect(dialled).toBe(0)
  })
})

describe('the check of the nats-server version', () => {
  const withVersion = (version: string) => (info: string) =>
    info.replace(/"version":"[^"]*"/, `"version":"${version}"`)

  it('makes the start fail at once if the version is too old, with an error that names the required one', async () => {
    const proxy = await givenProxy(withVersion('2.13.9'))
    const NATS_URL = bench.nats.urlOf('functions').replace(/:\d+$/, `:${proxy.port}`)
    const { code, stderr } = await runtime(['start', functions], { env: { NATS_URL } })

    expect(code).toBe(1)
    expect(stderr).toMatch(/NATS_URL: .* is nats-server 2\.13\.9, and 2\.14 or later is needed/)
  })

  it('names the option --nats in the error if that option names the server', async () => {
    const proxy = await givenProxy(withVersion('2.13.9'))
    const url = bench.nats.urlOf('functions').replace(/:\d+$/, `:${proxy.port}`)
    const { stderr } = await runtime(['start', functions, '--nats', url])

    expect(stderr).toMatch(/--nats: the server at .* is nats-server 2\.13\.9/)
  })

  it('makes the start fail if the server of NATS_URL is new enough, but that of NATS_AUTH_URL is too old', async () => {
    const proxy = await givenProxy(withVersion('2.12.0'))
    const env = {
      NATS_URL: bench.nats.urlOf('functions'),
      NATS_AUTH_URL: bench.nats.urlOf('auth').replace(/:\d+$/, `:${proxy.port}`),
      NATS_CALLOUT_SEED: bench.secrets.calloutSeed,
      NATS_CALLOUT_XKEY_SEED: bench.secrets.calloutXkeySeed,
    }
    const { code, stderr } = await runtime(['start', await givenCallout()], { env })

    expect(code).toBe(1)
    expect(stderr).toMatch(/NATS_AUTH_URL: .* is nats-server 2\.12\.0/)
  })

  it.each(['2.14.0', '2.14.0-RC.2', '3.0.0'])('accepts the version %s', async (version) => {
    const proxy = await givenProxy(withVersion(version))
    const nc = await connectToNats(
      readAddress('NATS_URL', bench.nats.urlOf('functions').replace(/:\d+$/, `:${proxy.port}`)),
      'test',
    )
    expect(nc.info?.version).toBe(version)
    await nc.close()
  })
})
