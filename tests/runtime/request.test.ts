import { createConnection } from 'node:net'
import { headers } from '@nats-io/nats-core'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, createClient, createRequester } from '#runtime/client'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const work = {
  subject: 'work.{id}',
  audience: ['functions'],
  input: v.strictObject({
    id: v.string(),
    ms: v.optional(v.number()),
    ends: v.optional(v.string()),
  }),
  output: v.object({ id: v.string() }),
} as const
const contracts = { work, unserved: { ...work, subject: 'unserved.{id}' } } as const

const source = `
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction, FunctionError } from '#runtime'

const contract = {
  subject: 'work.{id}',
  audience: ['functions'],
  input: v.strictObject({ id: v.string(), ms: v.optional(v.number()), ends: v.optional(v.string()) }),
  output: v.object({ id: v.string() }),
}
const began = { subject: 'began.{id}', data: v.object({ id: v.string() }) }
const aborted = { subject: 'aborted.{id}', data: v.object({ id: v.string(), why: v.string() }) }

export default defineFunction(contract, async ({ id, ms = 0, ends }, { publish, signal }) => {
  publish(began, { id })
  await setTimeout(ms, undefined, { signal }).catch(() => publish(aborted, { id, why: signal.reason.code }))
  if (ends === 'rejected')
    throw new FunctionError('conflict', 'It is ' + id + '\\r\\nInjected: yes', { details: { id }, retryAfterMs: 7 })
  if (ends === 'thrown') throw new Error('secret')
  if (ends === 'nothing') return undefined
  if (ends === 'unfit') return { id: 7 }
  if (ends === 'huge') return { id: 'x'.repeat(2_000_000) }
  return { id }
}, { concurrency: 2, maxQueued: 2 })
`

describe('a request', () => {
  let bench: CommandLine
  let nc: NatsConnection
  let client: Client<typeof contracts>

  beforeAll(async () => {
    bench = await createCommandLine()
    await bench.start(await bench.write({ 'work.ts': source }))
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
    client = createClient(nc, { contracts })
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  const stats = async () => (await nc.request('$SRV.STATS.work')).json<Stats>().endpoints[0]
  const receive = (subject: string, count = 1) => {
    const subscription = nc.subscribe(subject, { max: count })
    return (async () => {
      const messages = []
      for await (const message of subscription) messages.push(message)
      return messages
    })()
  }

  it('is rejected with the code, details and retryAfterMs of the error; a line break in the error message cannot add a header', async () => {
    const outcome = await client.try('work', { id: 'a', ends: 'rejected' })
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: 'conflict', details: { id: 'a' }, retryAfterMs: 7 },
    })

    const raw = await nc.request('work.a', '{"ends":"rejected"}')
    expect(raw.headers?.get('Nats-Service-Error-Code')).toBe('409')
    expect(raw.headers?.keys()).toEqual(['Nats-Service-Error-Code', 'Nats-Service-Error'])
  })

  it.each(['thrown', 'nothing', 'unfit', 'huge'])(
    'that ends in a fault (%s) is answered with internal, and the answer does not contain the reason',
    async (ends) => {
      const outcome = await client.try('work', { id: 'a', ends })

      expect(outcome).toMatchObject({ ok: false, error: { code: 'internal' } })
      expect(JSON.stringify(outcome)).not.toContain('secret')
    },
  )

  it.each(['{', '[]', '"text"', '7', 'null', '{"id":"other"}', '{"__proto__":{}}', '{"more":1}'])(
    'with the payload %s is rejected with invalid',
    async (payload) => {
      const reply = await nc.request('work.a', payload)
      expect(reply.json()).toMatchObject({ code: 'invalid', message: expect.any(String) })
    },
  )

  it('over the maximum payload of its contract is rejected with too_large before it is parsed', async () => {
    const largest = JSON.stringify({ ends: 'x'.repeat(65_536 - 11) })
    expect(largest).toHaveLength(65_536)

    expect((await nc.request('work.a', largest)).json()).toEqual({ id: 'a' })
    expect((await nc.request('work.a', `${largest} `)).json()).toEqual({
      code: 'too_large',
      message: 'The payload has 65537 bytes; the maximum is 65536',
    })
    // The payload is also malformed JSON: if it were parsed first, the code would be invalid.
    expect((await nc.request('work.a', `{${largest}`)).json()).toMatchObject({ code: 'too_large' })
  })

  it('with malformed headers is answered', async () => {
    const { hostname, port, username, password } = new URL(bench.nats.urlOf('functions'))
    const broken = 'NATS/1.0\r\nno colon here\r\n\u0000: \r\n\r\n'
    const answer = receive('answers.broken')
    await nc.flush()
    const socket = createConnection(Number(port), hostname)
    const login = JSON.stringify({ user: username, pass: password, verbose: false, headers: true })
    const size = Buffer.byteLength(broken)
    socket.write(`CONNECT ${login}\r\nHPUB work.a answers.broken ${size} ${size}\r\n${broken}\r\n`)

    expect((await answer)[0]?.json()).toEqual({ id: 'a' })
    socket.destroy()
  })

  it('is counted in the statistics with its duration, and as an error if it ends in a fault', async () => {
    const before = await stats()
    await client.call('work', { id: 'a', ms: 50 })
    await client.try('work', { id: 'a', ends: 'thrown' })
    const after = await stats()

    expect(after.num_requests - before.num_requests).toBe(2)
    expect(after.num_errors - before.num_errors).toBe(1)
    expect(after.processing_time - before.processing_time).toBeGreaterThan(45e6)
    expect(Number.isInteger(after.processing_time)).toBe(true)
    expect(after.data).toMatchObject({ in_flight: 0, queued: 0 })
    expect(after.data.p99_ms).toBeGreaterThanOrEqual(after.data.p50_ms)
  })

  it('is rejected with overloaded when the queue is full, and the stats show calls in flight', async () => {
    const began = receive('began.*', 2)
    const slow = Array.from({ length: 4 }, (_, n) => client.call('work', { id: `${n}`, ms: 400 }))
    await began

    const shed = await client.try('work', { id: 'late' })
    expect(shed).toMatchObject({ ok: false, error: { code: 'overloaded' } })
    expect(shed.ok || shed.error.retryAfterMs).toBeGreaterThan(0)
    expect((await stats()).data).toMatchObject({ in_flight: 2, queued: 2 })
    await Promise.all(slow)
  })

  it('is answered with timeout, aborted and counted when it exceeds the timeout of the caller', async () => {
    const aborted = receive('aborted.slow')
    const hdrs = headers()
    hdrs.set('Natter-Timeout-Ms', '100')
    const before = await stats()

    // The caller waits longer than the timeout in its header, so that it receives the answer.
    const reply = await nc.request('work.slow', '{"ms":3000}', { timeout: 2_000, headers: hdrs })
    expect(reply.json()).toMatchObject({ code: 'timeout' })
    expect((await aborted)[0]?.json()).toEqual({ why: 'timeout' })
    const after = await stats()
    expect(after.data.timeouts - before.data.timeouts).toBe(1)
  })

  it('is answered only once, with timeout, even if its handler ends later', async () => {
    const hdrs = headers()
    hdrs.set('Natter-Timeout-Ms', '100')
    const codes: unknown[] = []
    nc.subscribe('answers.late', {
      callback: (_error, message) => void codes.push(message.json<{ code?: string }>().code),
    })
    const aborted = receive('aborted.late')

    nc.publish('work.late', '{"ms":3000}', { headers: hdrs, reply: 'answers.late' })
    await aborted
    // A second answer to the first call would arrive before the answer to this call.
    await client.call('work', { id: 'after' })

    expect(codes).toEqual(['timeout'])
  })

  it('without a reply subject is handled', async () => {
    const began = receive('began.quiet')
    client.publish('work', { id: 'quiet' })
    expect((await began)[0]?.subject).toBe('began.quiet')
  })

  it('fails with unavailable if no function serves it, with timeout if its answer is late, with invalid if a parameter is malformed, and with cancelled if its signal aborts', async () => {
    const code = async (answer: ReturnType<typeof client.try>) => {
      const outcome = await answer
      return outcome.ok ? 'ok' : outcome.error.code
    }
    expect(await code(client.try('unserved', { id: 'a' }))).toBe('unavailable')
    expect(await code(client.try('work', { id: 'a', ms: 300 }, { timeoutMs: 40 }))).toBe('timeout')
    expect(await code(client.try('work', { id: 'a.b' }))).toBe('invalid')
    const signal = AbortSignal.timeout(20)
    expect(await code(client.try('work', { id: 'a', ms: 300 }, { signal }))).toBe('cancelled')
  })

  it('does not receive the late reply of an earlier request', async () => {
    const requester = createRequester(nc)
    const requests = receive('slow.*', 3)
    await nc.flush()
    const request = (id: string, timeoutMs: number) =>
      requester.request(`slow.${id}`, '', { timeoutMs })
    const late = request('late', 40)
    await expect(late).rejects.toMatchObject({ code: 'timeout' })
    const answers = Promise.all([request('next', 5_000), request('last', 5_000)])

    for (const message of await requests) message.respond(message.subject)

    const received = (await answers).map((answer) => answer.string())
    expect(received).toEqual(['slow.next', 'slow.last'])
    requester.close()
  })

  it('with repeatAfterMs is sent again until it is answered, even after a reconnect', async () => {
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    const own = await connect({ servers: host, user: username, pass: password })
    let received = 0
    const unreliable = nc.subscribe('unserved.again', {
      callback(_error, message) {
        received++
        if (received === 2) void own.reconnect()
        if (received === 4) message.respond(JSON.stringify({ id: 'again' }))
      },
    })
    await nc.flush()
    const repeating = createClient(own, { contracts })
    const options = { timeoutMs: 30_000, repeatAfterMs: 20 }

    expect(await repeating.call('unserved', { id: 'again' }, options)).toEqual({ id: 'again' })
    unreliable.unsubscribe()
    await own.close()
  })

  it('with repeat set to undelivered is sent again only while its subject has no responders', async () => {
    const requester = createRequester(nc)
    const options = { repeat: 'undelivered', repeatAfterMs: 20 } as const
    const request = requester.request('unserved.yet', '', { ...options, timeoutMs: 30_000 })
    const rejected = requester.request('unserved.ever', '', { ...options, timeoutMs: 200 })
    await expect(rejected).rejects.toMatchObject({ code: 'unavailable' })
    const [first] = await receive('unserved.yet')
    await nc.flush()
    first?.respond('late')

    expect((await request).string()).toBe('late')
    requester.close()
  })

  it('fails with disconnected if the connection is lost; a later request waits for the reconnect', async () => {
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    const own = await connect({
      servers: host,
      user: username,
      pass: password,
      reconnectTimeWait: 50,
    })
    const disconnecting = createClient(own, { contracts })
    const began = receive('began.in-flight')
    await nc.flush()
    const inFlight = disconnecting.try('work', { id: 'in-flight', ms: 300 })
    await began

    await bench.nats.kill('SIGKILL')
    expect(await inFlight).toMatchObject({ ok: false, error: { code: 'disconnected' } })
    const held = disconnecting.call('work', { id: 'held' }, { timeoutMs: 8_000 })
    await bench.nats.restart()
    // If the client reconnects before the runtime does, no function serves the subject yet, and the
    // call fails with `unavailable`.
    const answer = await held.catch(({ code }) => code)
    expect([{ id: 'held' }, 'unavailable']).toContainEqual(answer)
    disconnecting.close()
    await own.close()
  })
})

interface Stats {
  endpoints: [
    {
      num_requests: number
      num_errors: number
      processing_time: number
      data: Record<'in_flight' | 'queued' | 'timeouts' | 'p50_ms' | 'p99_ms', number>
    },
  ]
}
