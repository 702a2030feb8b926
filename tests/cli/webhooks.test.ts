import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readWebhookAddress } from '../../runtime/server/config.ts'
import { freePort } from '../../stack/ports.ts'
import { type CommandLine, createCommandLine, runtime } from '../support/command-line.ts'

/** Source of a function with the webhook /orders/paid. It returns its input and its process id. */
const paid = `
import * as v from 'valibot'
import { defineFunction, FunctionError } from '#runtime'

const contract = {
  subject: 'order.paid',
  audience: ['functions'],
  input: v.object({ order: v.string(), amount: v.optional(v.unknown()) }),
  output: v.object({ order: v.string(), amount: v.optional(v.unknown()), pid: v.number() }),
}

export default defineFunction(
  contract,
  (input) => {
    if (input.order === 'unknown') throw new FunctionError('not_found', 'There is no such order')
    if (input.order === 'broken') throw new Error('a secret detail')
    return { ...input, pid: process.pid }
  },
  { webhook: '/orders/paid' },
)
`

const form = 'application/x-www-form-urlencoded'
const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 30_000, interval: 50 })

let bench: CommandLine
beforeAll(async () => {
  bench = await createCommandLine()
})
afterAll(() => bench?.[Symbol.asyncDispose]())

async function given(args?: string[]) {
  const [folder, port] = [await bench.write({ 'order.paid.ts': paid }), await freePort()]
  return {
    start: () => bench.start(folder, args, { WEBHOOK_PORT: String(port) }),
    async post(
      body: string | null,
      { type = form, path = '/orders/paid', method = 'POST' } = {},
    ): Promise<{ status: number; body: unknown }> {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        body,
        headers: { 'content-type': type },
      })
      return { status: response.status, body: await response.json() }
    },
  }
}

describe('a webhook', () => {
  it('passes the fields of a form or a JSON object to its function, and answers with the function’s output', async () => {
    const hooks = await given()
    await using _runtime = await hooks.start()
    const pid = expect.any(Number)

    expect(await hooks.post('order=a%20b&amount=1')).toEqual({
      status: 200,
      body: { order: 'a b', amount: '1', pid },
    })
    expect(await hooks.post('{"order":"c","amount":1}', { type: 'application/json' })).toEqual({
      status: 200,
      body: { order: 'c', amount: 1, pid },
    })
  })

  it('answers an error with its HTTP status and its error code', async () => {
    const hooks = await given()
    await using _runtime = await hooks.start()

    const answers = {
      'without a field': await hooks.post('amount=1'),
      'an intended error': await hooks.post('order=unknown'),
      'a fault': await hooks.post('order=broken'),
      'another path': await hooks.post('order=a', { path: '/orders' }),
      'another method': await hooks.post(null, { method: 'GET' }),
      'another type': await hooks.post('order=a', { type: 'text/plain' }),
      'no JSON': await hooks.post('order=a', { type: 'application/json' }),
      'a JSON list': await hooks.post('[]', { type: 'application/json' }),
      'a large body': await hooks.post(`order=${'a'.repeat(65 * 1_024)}`),
    }

    const failed = (status: number, code: string, message: unknown = expect.any(String)) => ({
      status,
      body: expect.objectContaining({ code, message }),
    })
    expect(answers).toEqual({
      'without a field': failed(400, 'invalid', expect.stringContaining('order')),
      'an intended error': failed(404, 'not_found', 'There is no such order'),
      'a fault': failed(500, 'internal', expect.not.stringContaining('secret')),
      'another path': failed(404, 'not_found', 'No function serves /orders'),
      'another method': failed(405, 'invalid', 'Use POST'),
      'another type': failed(400, 'invalid'),
      'no JSON': failed(400, 'invalid'),
      'a JSON list': failed(400, 'invalid'),
      'a large body': failed(413, 'too_large'),
    })
  })

  it('is served by several instances on one port, also after all of them were killed and restarted', async () => {
    const hooks = await given(['--instances', '2'])
    await using _runtime = await hooks.start()
    const pids = new Set<number>()
    const call = async () => {
      const { status, body } = await hooks.post('order=a')
      expect(status).toBe(200)
      pids.add((body as { pid: number }).pid)
    }

    await until(async () => {
      await call()
      expect(pids.size).toBe(2)
    })

    for (const pid of pids) process.kill(pid, 'SIGKILL')
    pids.clear()
    await until(call)
  })

  it('is served only if WEBHOOK_PORT is set; the start fails if the port is invalid or in use', async () => {
    expect(readWebhookAddress({})).toBeUndefined()
    expect(readWebhookAddress({ WEBHOOK_PORT: '9091', WEBHOOK_HOST: '0.0.0.0' })).toEqual({
      host: '0.0.0.0',
      port: 9_091,
    })
    for (const WEBHOOK_PORT of ['0', '65536', 'http'])
      expect(() => readWebhookAddress({ WEBHOOK_PORT })).toThrow(
        `WEBHOOK_PORT is "${WEBHOOK_PORT}": use a port from 1 to 65535, such as 9091`,
      )
    const folder = await bench.write({ 'order.paid.ts': paid })
    const env = { WEBHOOK_PORT: new URL(bench.nats.urlOf('functions')).port }
    const { code, stderr } = await runtime(['start', folder], { env })
    expect(code).toBe(1)
    expect(stderr).toContain('another program uses this port on 127.0.0.1: choose a free port')
  })
})
