import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { clientFolder } from '../install/client.ts'
import { findFile } from './served-file.ts'
import type { Service } from './service.ts'

/** What the page learns from /config.json. */
export interface WebConfig {
  natsWebSocket: string
  issuer: string
  clientId: string
}

export interface WebOptions {
  /** Where it listens, on loopback; any free port by default. */
  port?: number | undefined
  /** Asked at every request; undefined as long as not everything runs. */
  config: () => WebConfig | undefined
  /** The folder that is served; the project's client, as it was built, by default. */
  root?: string
}

/** Serves the web client, `/config.json` and `/healthz`, in this process. */
export async function startWeb(options: WebOptions): Promise<Service> {
  const root = await realpath(options.root ?? clientFolder)
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
  for (const [name, value] of Object.entries(headers(config))) response.setHeader(name, value)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return response.setHeader('allow', 'GET, HEAD').writeHead(405).end()
  }

  const path = readPath(request.url ?? '/')
  if (path === '/healthz') return sendJson(response, config ? 200 : 503, { ready: Boolean(config) })
  if (path === '/config.json') {
    return config ? sendJson(response, 200, config) : sendJson(response, 503, { ready: false })
  }

  const accepted = request.headers['accept-encoding']?.toString()
  const file = path && (await findFile(root, fileOf(path), accepted))
  if (!file) return response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n')
  response.setHeader('etag', file.etag)
  if (file.hasEncodings) response.setHeader('vary', 'accept-encoding')
  if (file.isLasting) response.setHeader('cache-control', 'public, max-age=31536000, immutable')
  if (isKnown(request.headers['if-none-match'], file.etag)) return response.writeHead(304).end()

  response.setHeader('content-type', file.contentType)
  response.setHeader('content-length', file.size)
  if (file.encoding) response.setHeader('content-encoding', file.encoding)
  if (request.method === 'HEAD') return response.end()
  await pipeline(createReadStream(file.path), response)
}

function isKnown(known: string | undefined, etag: string): boolean {
  return known?.split(',').some((one) => one.trim().replace(/^W\//, '') === etag) ?? false
}

/**
 * Everything is our own, and the page talks to the server it came from, NATS and the issuer only; but
 * for images of messages, which somebody asks for one by one: docs/decisions/015.
 */
function headers(config: WebConfig | undefined) {
  const issuer = config ? new URL(config.issuer).origin : ''
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' https:",
      "font-src 'self'",
      "manifest-src 'self'",
      `connect-src 'self' ${config?.natsWebSocket ?? ''} ${issuer}`,
      "worker-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    // Nor does a look at a link tell anybody that it is looked at.
    'x-dns-prefetch-control': 'off',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-cache',
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A place in the page is the page itself, which finds its way from there. */
function fileOf(path: string): string {
  return /^\/(callback$|console(\/|$)|r\/[\w/-]+$)/.test(path) ? '/' : path
}

/** The path of the request, decoded; undefined if it is none that could be meant. */
function readPath(url: string): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname)
    return path.includes('\0') || path.includes('\\') ? undefined : path
  } catch {
    return undefined
  }
}
