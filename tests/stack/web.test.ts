import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compressFiles } from '../../stack/install/compress.ts'
import type { StackService } from '../../stack/services/service.ts'
import { startWeb } from '../../stack/services/web.ts'

const script = `/* ${'words that repeat '.repeat(200)} */`
let folder: string
let web: StackService

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'natter-web-'))
  await mkdir(join(folder, 'assets'))
  await mkdir(join(folder, 'apps'))
  await writeFile(join(folder, 'apps', 'dice-abc123.js'), script)
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Natter</title>')
  await writeFile(join(folder, 'assets', 'main-abc123.js'), script)
  await compressFiles(folder)
  web = await startWeb({ root: folder, config: () => undefined })
})
afterAll(async () => {
  await web?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** Returns the body as it was sent. `fetch` would decompress it. */
async function get(path: string, headers: Record<string, string> = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request(web.url + path, { headers }, resolve)
    .on('error', reject)
    .end()
  const response = await promise
  return { response, body: Buffer.concat(await response.toArray()) }
}

describe('the Host header', () => {
  it.each(['localhost', '127.0.0.1', '127.0.0.1:1', '[::1]:1'])('may be %s', async (host) => {
    expect((await get('/', { host })).response.statusCode).toBe(200)
  })

  it.each(['evil.example', 'localhost.evil.example:1', '127.0.0.1.evil.example', 'a b', '0.0.0.0'])(
    'may not be %s',
    async (host) => {
      for (const path of ['/', '/config.json', '/healthz'])
        expect((await get(path, { host })).response.statusCode).toBe(421)
    },
  )
})

describe('files of the page', () => {
  it.each([
    ['br, gzip', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
  ] as const)('are compressed for a client that accepts %s', async (accepted, encoding, unpack) => {
    const { response, body } = await get('/assets/main-abc123.js', { 'accept-encoding': accepted })

    expect(response.headers['content-encoding']).toBe(encoding)
    expect(response.headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(response.headers.vary).toBe('accept-encoding')
    expect(Number(response.headers['content-length'])).toBe(body.length)
    expect(body.length).toBeLessThan(script.length / 4)
    expect(unpack(body).toString()).toBe(script)
  })

  it('are sent uncompressed without Accept-Encoding', async () => {
    const { response, body } = await get('/assets/main-abc123.js')

    expect(response.headers['content-encoding']).toBeUndefined()
    expect(response.headers.vary).toBe('accept-encoding')
    expect(body.toString()).toBe(script)
  })

  it('are cached as immutable if their name contains a hash, and revalidated otherwise', async () => {
    const lasting = await get('/assets/main-abc123.js')
    const page = await get('/')

    expect(lasting.response.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(page.response.headers['cache-control']).toBe('no-cache')
  })

  it('may be loaded by a frame with an opaque origin only if they are components of apps', async () => {
    const allowed = async (path: string) =>
      (await get(path)).response.headers['access-control-allow-origin']

    expect(await allowed('/apps/dice-abc123.js')).toBe('*')
    for (const path of ['/', '/assets/main-abc123.js', '/config.json', '/apps/%2e%2e/index.html'])
      expect(await allowed(path), path).toBeUndefined()
    const component = await get('/apps/dice-abc123.js')
    expect(component.response.headers['cache-control']).toContain('immutable')
  })

  it('have a content security policy with the URL of app components, which WebKit needs in frames of apps', async () => {
    const policyOf = async (host: string) =>
      String((await get('/', { host })).response.headers['content-security-policy'])

    expect(await policyOf('localhost:1234')).toContain(
      "script-src 'self' http://localhost:1234/apps/;",
    )
    expect(await policyOf("localhost; script-src 'unsafe-inline'")).toContain("script-src 'self' ;")
  })

  it('are not sent again while their ETag matches', async () => {
    const first = await get('/')
    const etag = first.response.headers.etag ?? ''

    const again = await get('/', { 'if-none-match': `"other", W/${etag}` })
    await writeFile(join(folder, 'index.html'), '<!doctype html><title>Natter, newer</title>')
    const newer = await get('/', { 'if-none-match': etag })

    expect(again.response.statusCode).toBe(304)
    expect(again.body.length).toBe(0)
    expect(again.response.headers['content-security-policy']).toContain("default-src 'none'")
    expect(newer.response.statusCode).toBe(200)
    expect(newer.body.toString()).toContain('newer')
  })

  it('have a different ETag for each encoding', async () => {
    const etags = await Promise.all(
      ['br', 'gzip', ''].map(async (accepted) => {
        const { response } = await get('/assets/main-abc123.js', { 'accept-encoding': accepted })
        return response.headers.etag
      }),
    )

    expect(new Set(etags).size).toBe(3)
  })

  it('are not compressed when small, and have no separate URLs for their compressed copies', async () => {
    await expect(stat(join(folder, 'index.html.br'))).rejects.toThrow('ENOENT')
    expect((await get('/assets/main-abc123.js.br')).response.statusCode).toBe(404)
  })
})
