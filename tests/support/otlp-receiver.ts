import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface ExportedSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: { stringValue?: string } }[]
  status: { code?: number; message?: string }
}

/** Starts a server that receives OTLP over HTTP, like a collector. */
export async function startReceiver() {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    received.push({ path: request.url ?? '', headers: request.headers, body })
    response.setHeader('content-type', request.headers['content-type'] ?? '').end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Returns the received spans. Throws if they were not exported with the protocol http/json. */
export function spansOf(received: readonly Received[]) {
  const resources = received.flatMap(({ body }) => JSON.parse(body.toString()).resourceSpans)
  const scopes = resources.flatMap(({ scopeSpans }) => scopeSpans)
  return { resources, spans: scopes.flatMap(({ spans }) => spans) as ExportedSpan[] }
}
