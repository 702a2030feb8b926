import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { clientFolder } from '../provision/client.ts'
import type { Part } from './part.ts'

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

/** Only these are served: sources and notes in the folder stay where they are. */
const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

/** Serves the web client, `/config.json` and `/healthz`, in this process. */
export async function startWeb(options: WebOptions): Promise<Part> {
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

  const file = path && (await findFile(root, fileOf(path)))
  if (!file) return response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n')
  response.setHeader('content-type', file.contentType)
  response.setHeader('content-length', file.size)
  if (request.method === 'HEAD') return response.end()
  await pipeline(createReadStream(file.path), response)
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
  return path === '/callback' || /^\/r\/[\w/-]+$/.test(path) ? '/' : path
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

/** A file below root, wherever links lead; undefined for what is not there or not to be served. */
async function findFile(root: string, path: string) {
  const wanted = join(root, path.endsWith('/') ? `${path}index.html` : path)
  const contentType = contentTypes[extname(wanted)]
  if (!contentType || /(^|\/)\./.test(path)) return undefined
  try {
    const real = await realpath(wanted)
    const { size } = await stat(real)
    const isBelow = real.startsWith(root + sep)
    return isBelow ? { path: real, size, contentType } : undefined
  } catch {
    return undefined
  }
}
