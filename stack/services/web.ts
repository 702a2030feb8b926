import { once } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { clientFolder } from '../install/client.ts'
import { isLoopbackHost } from './host.ts'
import { appFilePath, immutable, pageHeaders, pagePath, revalidated } from './page-rules.ts'
import { findFile } from './served-file.ts'
import type { StackService } from './service.ts'

export interface WebConfig {
  natsWebSocket: string
  issuer: string
  clientId: string
}

export interface WebOptions {
  port?: number | undefined
  config: () => WebConfig | undefined
  root?: string
}

export async function startWeb(options: WebOptions): Promise<StackService> {
  const { root = clientFolder } = options
  const server = createServer((request, response) => {
    answer(request, response, root, options.config).catch(() => response.destroy())
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')

  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const stop = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { name: 'web', url: `http://localhost:${port}`, stop, [Symbol.asyncDispose]: stop }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  root: string,
  readConfig: WebOptions['config'],
) {
  const config = readConfig()
  const { host } = request.headers
  const policyHost = isLoopbackHost(host) ? host : undefined
  const urls = {
    pageOrigin: policyHost && `http://${policyHost}`,
    natsWebSocket: config?.natsWebSocket ?? '',
    issuerOrigin: config ? new URL(config.issuer).origin : '',
  }
  for (const [name, value] of Object.entries(pageHeaders(urls))) response.setHeader(name, value)
  response.setHeader('cache-control', revalidated)
  if (!policyHost) {
    response.writeHead(421, { 'content-type': 'text/plain' })
    return response.end('This server serves http://localhost only.\n')
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { 'content-type': 'text/plain', allow: 'GET, HEAD' })
    return response.end('Method not allowed\n')
  }

  const path = readPath(request.url ?? '/')
  if (path === '/healthz') return sendJson(response, config ? 200 : 503, { ready: Boolean(config) })
  if (path === '/config.json') {
    return config ? sendJson(response, 200, config) : sendJson(response, 503, { ready: false })
  }

  const accepted = request.headers['accept-encoding']?.toString()
  const file = path && (await findFile(root, fileOf(path), accepted))
  if (!file && !existsSync(root)) return sendStarting(response)
  if (!file) return response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n')
  // The frame of an app has an opaque origin, which may not load a module without this header.
  if (appFilePath.test(path)) response.setHeader('access-control-allow-origin', '*')
  response.setHeader('etag', file.etag)
  if (file.hasEncodings) response.setHeader('vary', 'accept-encoding')
  if (file.isImmutable) response.setHeader('cache-control', immutable)
  if (isUnchanged(request.headers['if-none-match'], file.etag)) return response.writeHead(304).end()

  response.setHeader('content-type', file.contentType)
  response.setHeader('content-length', file.size)
  if (file.encoding) response.setHeader('content-encoding', file.encoding)
  if (request.method === 'HEAD') return response.end()
  await pipeline(createReadStream(file.path), response)
}

function isUnchanged(ifNoneMatch: string | undefined, etag: string): boolean {
  return ifNoneMatch?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false
}

function sendStarting(response: ServerResponse) {
  response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '2' })
  response.end('Natter is starting. Reload this page in a moment.\n')
}

function sendJson(response: ServerResponse, status: number, body: unknown) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function fileOf(path: string): string {
  return pagePath.test(path) ? '/' : path
}

function readPath(url: string): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname)
    return path.includes('\0') || path.includes('\\') ? undefined : path
  } catch {
    return undefined
  }
}
