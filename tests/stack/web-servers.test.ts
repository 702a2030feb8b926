import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { compressFiles } from '../../stack/install/compress.ts'
import { findCaddy, findNginx } from '../../stack/install/web-servers.ts'
import { freePort } from '../../stack/ports.ts'
import { startProcess } from '../../stack/services/process.ts'
import type { StackService } from '../../stack/services/service.ts'
import { startWeb } from '../../stack/services/web.ts'
import { writeWebServers } from '../../stack/web-servers.ts'
import { canRun } from '../support/programs.ts'

interface Deployment {
  dir: string
  port: number
  env: Record<string, string>
}

const script = `/* ${'words that repeat '.repeat(200)} */`
const files = {
  'index.html': `<!doctype html><title>Natter</title>${'<p>words</p>'.repeat(100)}`,
  'worker.js': script,
  'manifest.webmanifest': '{}',
  'icon.svg': `<svg xmlns="http://www.w3.org/2000/svg">${'<g/>'.repeat(200)}</svg>`,
  'icon.png': 'not really a picture',
  'notes.txt': 'not a file of the page',
  '.built-of': 'a digest',
  '.vite/manifest.json': '{}',
  'assets/main-abc123.js': script,
  'assets/main-abc123.css': 'p { margin: 0 }',
  'assets/inter-abc123.woff2': 'not really a font',
  'apps/dice-abc123.js': script,
}

const config = {
  natsWebSocket: 'wss://nats.example/nats',
  issuer: 'https://id.example/realms/nats-chat',
  clientId: 'nats-chat-app',
}

const answered = [
  '/',
  '/index.html',
  '/callback',
  '/console',
  '/console/functions/send',
  '/r/general',
  '/r/general/m/1-2_3',
  '/worker.js',
  '/manifest.webmanifest',
  '/icon.svg',
  '/icon.png',
  '/assets/main-abc123.js',
  '/assets/main-abc123.js?v=1',
  '/assets/main-abc123.css',
  '/assets/inter-abc123.woff2',
  '/apps/dice-abc123.js',
  '/apps/%2e%2e/index.html',
  '/config.json',
  '/healthz',
]
const missing = [
  '/assets',
  '/assets/',
  '/assets/old-abc123.js',
  '/apps/old-abc123.js',
  '/assets/main-abc123.js.gz',
  '/callback/other',
  '/r/',
  '/r/a.b',
  '/notes.txt',
  '/.built-of',
  '/.vite/manifest.json',
  '/favicon.ico',
  '/other',
]

/**
 * These headers describe the HTTP/1.1 connection or the state of the file. They are not compared,
 * because they do not change what a page may do in the browser.
 */
const ignored = ['connection', 'keep-alive', 'date', 'server', 'accept-ranges', 'last-modified']
/** Headers that are not compared because each server may use its own values. */
const own = ['etag', 'content-length', 'transfer-encoding']

/** Proxies to other parts of the system, as an operator adds them in natter.d. */
const additions = {
  'proxy.conf': (upstream: string) => `location /auth { proxy_pass ${upstream}; }`,
  'proxy.caddy': (upstream: string) => `handle /auth* {\n\treverse_proxy ${upstream}\n}\n`,
}

let root: string
let page: string
let upstream: Server
beforeAll(async () => {
  upstream = createServer(({ method }, response) => response.writeHead(404).end(method))
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  root = await mkdtemp(join(tmpdir(), 'natter-web-servers-'))
  page = join(root, 'client')
  for (const folder of ['assets', 'apps', '.vite'])
    await mkdir(join(page, folder), { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(page, name), content)
  await compressFiles(page)
})
afterAll(async () => {
  upstream.close()
  await rm(root, { recursive: true, force: true })
})

const servers = {
  nginx: { find: findNginx, start: startNginx, encoding: 'gzip' },
  Caddy: { find: findCaddy, start: startCaddy, encoding: 'br, gzip' },
}

for (const [name, { find, start, encoding }] of Object.entries(servers)) {
  describe.skipIf(!(await canRun(find)))(`${name}, with the configuration of npm run build`, () => {
    let expected: StackService
    let actual: StackService
    let host: string

    beforeAll(async () => {
      const port = await freePort()
      host = `localhost:${port}`
      const dir = join(root, name)
      writeWebServers(dir)
      const { port: upstreamPort } = upstream.address() as AddressInfo
      await mkdir(join(dir, 'natter.d'))
      for (const [file, addition] of Object.entries(additions))
        await writeFile(join(dir, 'natter.d', file), addition(`http://127.0.0.1:${upstreamPort}`))
      const env = {
        WEB_LISTEN: `127.0.0.1:${port}`,
        WEB_ROOT: page,
        NATTER_WEB_ORIGIN: `http://${host}`,
        NATS_WS_URL: config.natsWebSocket,
        OIDC_ISSUER: config.issuer,
        OIDC_CLIENT_ID: config.clientId,
      }
      expected = await startWeb({ root: page, config: () => config })
      actual = await start(await find(), { dir, port, env })
    })
    afterAll(async () => {
      await actual?.stop()
      await expected?.stop()
    })

    const both = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      Promise.all([expected, actual].map(({ url }) => get(url, path, { ...headers, host }, method)))

    it.each([...answered, ...missing])('answers %s as npm start does', async (path) => {
      for (const accepted of [encoding, 'identity']) {
        const [ours, theirs] = await both(path, { 'accept-encoding': accepted })

        expect(theirs, accepted).toEqual(ours)
        expect(ours?.status).toBe(answered.includes(path) ? 200 : 404)
      }
    })

    it.each(['HEAD', 'POST', 'PUT', 'OPTIONS'])('answers %s as npm start does', async (method) => {
      for (const path of ['/', '/assets/main-abc123.js', '/config.json', '/other']) {
        const [ours, theirs] = await both(path, {}, method)

        expect(theirs, path).toEqual(ours)
      }
    })

    it('does not change the requests and answers that pass through a proxy added in natter.d', async () => {
      const { status, headers, body } = await get(actual.url, '/auth/login.js', { host }, 'POST')

      expect({ status, headers }).toEqual({ status: 404, headers: {} })
      expect(Buffer.from(body, 'base64').toString()).toBe('POST')
    })

    it('answers an unchanged file with 304 and the same headers as npm start does', async () => {
      for (const path of ['/', '/assets/main-abc123.js', '/apps/dice-abc123.js']) {
        const etags = await Promise.all(
          [expected, actual].map(({ url }) => get(url, path, { host }, 'GET', ['etag'])),
        )
        const again = await Promise.all(
          [expected, actual].map(({ url }, index) => {
            const etag = String(etags[index]?.headers.etag)
            return get(url, path, { host, 'if-none-match': etag })
          }),
        )

        expect(again[0]?.status).toBe(304)
        expect(again[1]).toEqual(again[0])
      }
    })
  })
}

async function get(
  url: string,
  path: string,
  headers: Record<string, string>,
  method = 'GET',
  only?: string[],
) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const { port } = new URL(url)
  request({ host: '127.0.0.1', port, path, headers, method, agent: false }, resolve)
    .on('error', reject)
    .end()
  const response = await promise
  const body = Buffer.concat(await response.toArray()).toString('base64')
  const shown = Object.entries(response.headers)
    .filter(([name]) => (only ? only.includes(name) : ![...ignored, ...own].includes(name)))
    .map(([name, value]) => [name, name === 'vary' ? String(value).toLowerCase() : value])
  return { status: response.statusCode, headers: Object.fromEntries(shown), body }
}

async function startNginx(file: string, { dir, port, env }: Deployment): Promise<StackService> {
  const template = await readFile(join(dir, 'nginx.conf.template'), 'utf8')
  // Replaces variables as envsubst does.
  const server = template.replace(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? '')
  await writeFile(join(dir, 'server.conf'), server)
  await writeFile(
    join(dir, 'nginx.conf'),
    `daemon off; pid nginx.pid; error_log stderr; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http { access_log off; include server.conf; }`,
  )
  const nginx = await startProcess({
    dir,
    name: 'nginx',
    command: () => ({ file, args: ['-p', dir, '-c', join(dir, 'nginx.conf')], env: process.env }),
    ready: (_log, _from, signal) => untilServed(port, signal),
  })
  expect(nginx.log.read(0)).not.toContain('[warn]')
  return nginx
}

async function startCaddy(file: string, { dir, port, env }: Deployment): Promise<StackService> {
  const own = { ...env, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir }
  return startProcess({
    dir,
    name: 'caddy',
    command: () => ({
      file,
      args: ['run', '--config', join(dir, 'Caddyfile'), '--adapter', 'caddyfile'],
      env: { ...process.env, ...own },
      cwd: dir,
    }),
    ready: (_log, _from, signal) => untilServed(port, signal),
  })
}

async function untilServed(port: number, signal: AbortSignal) {
  const url = `http://localhost:${port}`
  await vi.waitFor(() => fetch(`${url}/healthz`, { signal }), { timeout: 30_000 })
  return url
}
