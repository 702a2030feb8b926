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
const contracts = { work, nobody: { ...work, subject: 'nobody.{id}' } } as const

/** Waits as long as it is told to, or until its signal aborts, of which it tells. */
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
  if (ends === 'refused')
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
  const heard = (subject: string, count = 1) => {
    const subscription = nc.subscribe(subject, { max: count })
    return (async () => {
      const found = []
      for await (const message of subscription) found.push(message)
      return found
    })()
  }

  it('is refused with code, details and the time to wait, and no header of its own making', async () => {
    const refusal = await client.try('work', { id: 'a', ends: 'refused' })
    expect(refusal).toMatchObject({
      ok: false,
      error: { code: 'conflict', details: { id: 'a' }, retryAfterMs: 7 },
    })

    const raw = await nc.request('work.a', '{"ends":"refused"}')
    expect(raw.headers?.get('Nats-Service-Error-Code')).toBe('409')
    expect(raw.headers?.keys()).toEqual(['Nats-Service-Error-Code', 'Nats-Service-Error'])
  })

  it.each(['thrown', 'nothing', 'unfit', 'huge'])(
    'that ends in a fault (%s) says so, and not why',
    async (ends) => {
      const refusal = await client.try('work', { id: 'a', ends })

      expect(refusal).toMatchObject({ ok: false, error: { code: 'internal' } })
      expect(JSON.stringify(refusal)).not.toContain('secret')
    },
  )

  it.each(['{', '[]', '"text"', '7', 'null', '{"id":"other"}', '{"__proto__":{}}', '{"more":1}'])(
    'of %s is invalid',
    async (payload) => {
      const reply = await nc.request('work.a', payload)
      expect(reply.json()).toMatchObject({ code: 'invalid', message: expect.any(String) })
    },
  )

  it('of more bytes than its contract takes is too large, and is not read', async () => {
    const most = JSON.stringify({ ends: 'x'.repeat(65_536 - 11) })
    expect(most).toHaveLength(65_536)

    expect((await nc.request('work.a', most)).json()).toEqual({ id: 'a' })
    expect((await nc.request('work.a', `${most} `)).json()).toEqual({
      code: 'too_large',
      message: 'The payload has 65537 bytes; the maximum is 65536',
    })
    // Not even enough to see that it is no JSON.
    expect((await nc.request('work.a', `{${most}`)).json()).toMatchObject({ code: 'too_large' })
  })

  it('with headers that cannot be read is answered like any other', async () => {
    const { hostname, port, username, password } = new URL(bench.nats.urlOf('functions'))
    const broken = 'NATS/1.0\r\nno colon here\r\n\u0000: \r\n\r\n'
    const answer = heard('answers.broken')
    await nc.flush()
    const socket = createConnection(Number(port), hostname)
    const login = JSON.stringify({ user: username, pass: password, verbose: false, headers: true })
    const size = Buffer.byteLength(broken)
    socket.write(`CONNECT ${login}\r\nHPUB work.a answers.broken ${size} ${size}\r\n${broken}\r\n`)

    expect((await answer)[0]?.json()).toEqual({ id: 'a' })
    socket.destroy()
  })

  it('is counted with all of its time, and its faults with it', async () => {
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

  it('is shed at once when too much runs and waits, while what runs is seen from outside', async () => {
    const began = heard('began.*', 2)
    const slow = Array.from({ length: 4 }, (_, n) => client.call('work', { id: `${n}`, ms: 400 }))
    await began

    const shed = await client.try('work', { id: 'late' })
    expect(shed).toMatchObject({ ok: false, error: { code: 'overloaded' } })
    expect(shed.ok || shed.error.retryAfterMs).toBeGreaterThan(0)
    expect((await stats()).data).toMatchObject({ in_flight: 2, queued: 2 })
    await Promise.all(slow)
  })

  it('that takes longer than the caller waits is answered, aborted and counted', async () => {
    const aborted = heard('aborted.slow')
    const hdrs = headers()
    hdrs.set('Natter-Timeout-Ms', '100')
    const before = await stats()

    // The caller is more patient than it says, so it is the function that ends it.
    const reply = await nc.request('work.slow', '{"ms":3000}', { timeout: 2_000, headers: hdrs })
    expect(reply.json()).toMatchObject({ code: 'timeout' })
    expect((await aborted)[0]?.json()).toEqual({ why: 'timeout' })
    const after = await stats()
    expect(after.data.timeouts - before.data.timeouts).toBe(1)
  })

  it('without a reply subject is handled all the same', async () => {
    const began = heard('began.quiet')
    client.publish('work', { id: 'quiet' })
    expect((await began)[0]?.subject).toBe('began.quiet')
  })

  it('to nobody, too late, given up, or of what cannot be a token ends in a code', async () => {
    const code = async (answer: ReturnType<typeof client.try>) => {
      const outcome = await answer
      return outcome.ok ? 'ok' : outcome.error.code
    }
    expect(await code(client.try('nobody', { id: 'a' }))).toBe('unavailable')
    expect(await code(client.try('work', { id: 'a', ms: 300 }, { timeoutMs: 40 }))).toBe('timeout')
    expect(await code(client.try('work', { id: 'a.b' }))).toBe('invalid')
    const signal = AbortSignal.timeout(20)
    expect(await code(client.try('work', { id: 'a', ms: 300 }, { signal }))).toBe('cancelled')
  })

  it('is not answered by what comes too late for another one', async () => {
    const requester = createRequester(nc)
    const asked = heard('asked.*', 3)
    await nc.flush()
    const ask = (id: string, timeoutMs: number) =>
      requester.request(`asked.${id}`, '', { timeoutMs })
    const late = ask('late', 40)
    await expect(late).rejects.toMatchObject({ code: 'timeout' })
    const answers = Promise.all([ask('next', 5_000), ask('last', 5_000)])

    for (const message of await asked) message.respond(message.subject)

    const found = (await answers).map((answer) => answer.string())
    expect(found).toEqual(['asked.next', 'asked.last'])
    requester.close()
  })

  it('waits for the connection while there is none, and is lost with it when it was under way', async () => {
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    const own = await connect({
      servers: host,
      user: username,
      pass: password,
      reconnectTimeWait: 50,
    })
    const asking = createClient(own, { contracts })
    const began = heard('began.under-way')
    await nc.flush()
    const underWay = asking.try('work', { id: 'under-way', ms: 300 })
    await began

    await bench.nats.kill('SIGKILL')
    expect(await underWay).toMatchObject({ ok: false, error: { code: 'disconnected' } })
    const held = asking.call('work', { id: 'held' }, { timeoutMs: 8_000 })
    await bench.nats.restart()
    // Either it waits for the function to be back as well, or is told that nobody is there yet.
    const answer = await held.catch(({ code }) => code)
    expect([{ id: 'held' }, 'unavailable']).toContainEqual(answer)
    asking.close()
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
