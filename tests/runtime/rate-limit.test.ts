import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequester, type Requester } from '#runtime/client'
import { type CommandLine, createCommandLine, runtime } from '../support/command-line.ts'

const limited = (max: number, windowMs: number) => `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

export default defineFunction(
  { subject: 'limited', audience: ['everyone'], input: v.strictObject({}), output: v.object({ pid: v.number() }) },
  () => ({ pid: process.pid }),
  { limit: { max: ${max}, windowMs: ${windowMs} } },
)
`

/** Tells when it is prepared for, and when it is called. */
const preparing = `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const told = {
  subject: 'prepared.{id}.{what}',
  data: v.object({ id: v.string(), what: v.string() }),
}

export default defineFunction(
  {
    subject: 'prepared.{id}',
    audience: ['everyone'],
    input: v.strictObject({ id: v.string() }),
    output: v.object({}),
  },
  ({ id }, { publish }) => {
    publish(told, { id, what: 'called' })
    return {}
  },
  {
    limit: { max: 60, windowMs: 60_000 },
    prefetch: ({ params }, { publish }) => publish(told, { id: params.id, what: 'begun' }),
  },
)
`

describe('a limit', () => {
  let bench: CommandLine
  let nc: NatsConnection
  let requester: Requester

  beforeAll(async () => {
    bench = await createCommandLine()
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
    requester = createRequester(nc)
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  async function ask(caller: string, subject: string) {
    const reply = await requester.request(`as.${caller}.${subject}`, '', { timeoutMs: 10_000 })
    return reply.json<{ pid?: number; code?: string; retryAfterMs?: number }>()
  }
  const askOften = (count: number, caller: string, subject = 'limited') =>
    Promise.all(Array.from({ length: count }, () => ask(caller, subject)))
  const newCaller = () => crypto.randomUUID()

  it('holds over four instances, however fast somebody asks', async () => {
    const folder = await bench.write({ 'limited.ts': limited(60, 60_000) })
    const instances = await Promise.all(Array.from({ length: 4 }, () => bench.start(folder)))
    const [alice, bob] = [newCaller(), newCaller()]
    const served = await Promise.all(Array.from({ length: 100 }, () => ask(newCaller(), 'limited')))
    expect(new Set(served.map(({ pid }) => pid)).size).toBe(4)

    const answers = await askOften(1_200, alice)

    const passed = answers.filter(({ pid }) => pid !== undefined)
    expect(passed.length).toBeLessThanOrEqual(60)
    // What one instance was about to give back, another may have taken for used.
    expect(passed.length).toBeGreaterThanOrEqual(54)
    for (const { code, retryAfterMs } of answers.filter(({ pid }) => pid === undefined)) {
      expect(code).toBe('rate_limited')
      expect(retryAfterMs).toBeGreaterThan(0)
      expect(retryAfterMs).toBeLessThanOrEqual(120_000)
    }
    // Somebody else has a limit of their own.
    expect(await ask(bob, 'limited')).toHaveProperty('pid')
    for (const instance of instances) await instance[Symbol.asyncDispose]()
  })

  it('says when to come back, and lets in who comes then', async () => {
    const folder = await bench.write({
      'slides.ts': limited(4, 2_000).replace("'limited'", "'slides'"),
    })
    await using _ = await bench.start(folder)
    const caller = newCaller()

    const answers = await askOften(5, caller, 'slides')
    const refused = answers.find(({ code }) => code)
    await sleep(refused?.retryAfterMs)

    expect(answers.filter(({ pid }) => pid)).toHaveLength(4)
    expect(refused).toMatchObject({ code: 'rate_limited' })
    expect(await ask(caller, 'slides')).toHaveProperty('pid')
  })

  it('counts locally while the shared counters are away, and together again after', async () => {
    const folder = await bench.write({
      'allows.ts': limited(10, 60_000).replace("'limited'", "'allows'"),
    })
    await using _ = await bench.start(folder)
    const { streams } = await jetstreamManager(nc)
    const { config } = await streams.info('RATE_LIMIT')
    await streams.delete('RATE_LIMIT')

    const answers = await askOften(100, newCaller(), 'allows')

    expect(answers.filter(({ pid }) => pid)).toHaveLength(10)
    expect(answers.find(({ pid }) => !pid)).toMatchObject({ code: 'rate_limited' })

    await streams.add(config)
    await expect
      .poll(
        async () => {
          const caller = newCaller()
          await ask(caller, 'allows')
          const { state } = await streams.info('RATE_LIMIT', {
            subjects_filter: `limit.allows.${caller}.*`,
          })
          return Object.keys(state.subjects ?? {}).length
        },
        { timeout: 10_000 },
      )
      .toBe(1)
  })

  it('refuses while the shared counters are away, where it is told to', async () => {
    const folder = await bench.write({
      'blocks.ts': limited(10, 60_000).replace("'limited'", "'blocks'"),
    })
    await using _ = await bench.start(folder, [], { RATE_LIMIT_FALLBACK: 'block' })
    const { streams } = await jetstreamManager(nc)
    const { config } = await streams.info('RATE_LIMIT')
    await streams.delete('RATE_LIMIT')

    const answer = await ask(newCaller(), 'blocks')

    expect(answer).toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 })
    await streams.add(config)
  })

  it('counts what does not fit like what does', async () => {
    const folder = await bench.write({
      'strict.ts': limited(3, 60_000).replace("'limited'", "'strict'"),
    })
    await using _ = await bench.start(folder)
    const caller = newCaller()
    const codes: unknown[] = []

    for (const payload of ['no JSON', '{"unknown":1}', 'x'.repeat(70_000), '', '{}']) {
      const reply = await requester.request(`as.${caller}.strict`, payload, { timeoutMs: 10_000 })
      codes.push(reply.json<{ code?: string }>().code)
    }

    expect(codes).toEqual(['invalid', 'invalid', 'too_large', 'rate_limited', 'rate_limited'])
  })

  it('lets a function look for what it needs while the counters are asked, and not otherwise', async () => {
    const folder = await bench.write({ 'prepared.ts': preparing })
    await using _ = await bench.start(folder)
    const heard: string[] = []
    const subscription = nc.subscribe('prepared.*.*', {
      callback(_error, { subject }) {
        heard.push(subject)
      },
    })
    await nc.flush()
    const caller = newCaller()

    for (const id of ['a', 'b', 'c', 'd']) await ask(caller, `prepared.${id}`)

    await nc.flush()
    subscription.unsubscribe()
    // One call is granted at first, then two together, of which the second need not ask.
    expect(heard).toEqual([
      'prepared.a.begun',
      'prepared.a.called',
      'prepared.b.begun',
      'prepared.b.called',
      'prepared.c.called',
      'prepared.d.begun',
      'prepared.d.called',
    ])
  })

  it.each([
    ['RATE_LIMIT_FALLBACK', 'maybe', 'use allow or block'],
    ['RATE_LIMIT_FACTOR', 'many', 'use a number over 0'],
    ['RATE_LIMIT_FACTOR', '0', 'use a number over 0'],
  ])('does not start with %s=%s', async (name, value, advice) => {
    const folder = await bench.write({ 'limited.ts': limited(1, 1_000) })

    const { code, stderr } = await runtime(['start', folder], {
      env: { NATS_URL: bench.nats.urlOf('functions'), [name]: value },
    })

    expect(code).not.toBe(0)
    expect(stderr).toContain(`${name} is "${value}"`)
    expect(stderr).toContain(advice)
  })

  it.each([
    [0, 1_000, 'max is 0'],
    [1.5, 1_000, 'max is 1.5'],
    [1, 999, 'windowMs is 999'],
    [1, 61_000, 'windowMs is 61000'],
  ])('cannot be %d in %d ms', async (max, windowMs, reason) => {
    const folder = await bench.write({ 'limited.ts': limited(max, windowMs) })

    const { code, stdout, stderr } = await runtime(['check', folder])

    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain(reason)
  })
})
