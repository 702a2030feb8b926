import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { ErrorCode } from '../api/errors.ts'
import { errorStatus } from '../api/errors.ts'
import type { HttpAddress } from '../server/config.ts'
import type { WebhookAnswer, WebhookCall } from '../server/webhooks.ts'
import { CliError } from './failure.ts'

export type AnswerWebhook = (call: WebhookCall) => Promise<WebhookAnswer>

const maxBodyBytes = 64 * 1_024
const requestTimeoutMs = 10_000

/**
 * Serves HTTP: a POST request with a form or a JSON object calls the function whose `webhook` is
 * the path. Throws a CliError if it cannot listen on the address.
 */
export async function serveWebhooks(
  { host, port }: HttpAddress,
  answerCall: AnswerWebhook,
): Promise<void> {
  const server = createServer({ requestTimeout: requestTimeoutMs }, async (request, response) => {
    const { status, body } = await answer(request).catch(() =>
      reject('internal', 'The request failed'),
    )
    response.writeHead(status, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(status === 405 ? { allow: 'POST' } : {}),
    })
    response.end(`${JSON.stringify(body)}\n`)
  })
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new CliError(
      code === 'EADDRINUSE'
        ? `WEBHOOK_PORT is ${port}, and another program uses this port on ${host}: choose a free port`
        : `cannot listen on WEBHOOK_PORT ${port} of WEBHOOK_HOST ${host}: ${message}`,
    )
  }
  // The HTTP server must not keep the process alive when the start of the functions fails.
  server.unref()

  async function answer(request: IncomingMessage): Promise<WebhookAnswer> {
    const [path = ''] = (request.url ?? '').split('?')
    if (request.method !== 'POST')
      return { status: 405, body: { code: 'invalid', message: 'Use POST' } }
    const body = await readBody(request)
    if (body === undefined)
      return reject('too_large', `The body has more than ${maxBodyBytes} bytes`)
    const input = parseBody(request.headers['content-type'] ?? '', body)
    return input
      ? answerCall({ path, input })
      : reject(
          'invalid',
          'The body is neither a form (application/x-www-form-urlencoded) nor a JSON object',
        )
  }
}

export function reject(code: ErrorCode, message: string): WebhookAnswer {
  return { status: errorStatus[code], body: { code, message } }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    // Also reads the rest of a body that is too large: a client that is still writing would
    // otherwise get a connection reset instead of the answer.
    if (size <= maxBodyBytes) chunks.push(chunk)
  }
  return size <= maxBodyBytes ? Buffer.concat(chunks).toString() : undefined
}

function parseBody(type: string, body: string): Record<string, unknown> | undefined {
  if (/^application\/x-www-form-urlencoded\b/i.test(type))
    return Object.fromEntries(new URLSearchParams(body))
  if (!/^application\/json\b/i.test(type)) return undefined
  try {
    const value: unknown = JSON.parse(body)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
