import { once } from 'node:events'
import { createServer } from 'node:http'
import type { HttpAddress } from '../server/config.ts'
import { formatMetrics, type Metric } from '../server/metrics.ts'
import { CliError } from './failure.ts'

export interface Health {
  /**
   * Returns the reason why the process is not ready, or undefined if it is ready. Sends no request
   * to NATS, so that a probe is answered quickly.
   */
  notReady(): Promise<string | undefined>
  metrics(): Promise<readonly Metric[]>
}

interface Answer {
  status: number
  type: string
  body: string
}

/** Serves `/livez`, `/readyz` and `/metrics`. Throws a CliError if it cannot listen on the address. */
export async function serveHealth({ host, port }: HttpAddress, health: Health): Promise<void> {
  const routes = new Map<string, () => Promise<Answer>>([
    ['/livez', async () => json(200, { live: true })],
    [
      '/readyz',
      singleFlight(async () => {
        const reason = await health.notReady()
        return reason ? json(503, { ready: false, reason }) : json(200, { ready: true })
      }),
    ],
    [
      '/metrics',
      singleFlight(async () => ({
        status: 200,
        type: 'text/plain; version=0.0.4; charset=utf-8',
        body: formatMetrics(await health.metrics()),
      })),
    ],
  ])

  async function answer(method: string, path: string): Promise<Answer> {
    const route = routes.get(path)
    if (!route) return json(404, { error: `use ${[...routes.keys()].join(', ')}` })
    if (!isAllowed(method)) return json(405, { error: 'use GET' })
    return route().catch((error) => json(500, { error: String(error) }))
  }

  const server = createServer(async ({ method = '', url = '' }, response) => {
    const [path = ''] = url.split('?')
    const { status, type, body } = await answer(method, path)
    response.writeHead(status, {
      'Content-Type': type,
      'Cache-Control': 'no-store',
      ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
    })
    response.end(body)
  })
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new CliError(describe(error as NodeJS.ErrnoException, { host, port }))
  }
  // The HTTP server must not keep the process alive when the start of the functions fails.
  server.unref()
}

function isAllowed(method: string) {
  return method === 'GET' || method === 'HEAD'
}

function describe({ code, message }: NodeJS.ErrnoException, { host, port }: HttpAddress) {
  return code === 'EADDRINUSE'
    ? `HEALTH_PORT is ${port}, and another program uses this port on ${host}: choose a free port`
    : `cannot listen on HEALTH_PORT ${port} of HEALTH_HOST ${host}: ${message}`
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` }
}

/** Returns a function that runs `work`. Calls that arrive while `work` runs share its result. */
function singleFlight<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}
