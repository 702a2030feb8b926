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

const prefetching = `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const progress = {
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
    publish(progress, { id, what: 'handled' })
    return {}
  },
  {
    limit: { max: 60, windowMs: 60_000 },
    prefetch: ({ params }, { publish }) => publish(progress, { id: params.id, what: 'prefetched' }),
  },
)
`

describe('a rate limit', () => {
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

  async function call(caller: string, subject: string) {
    const reply = await requester.request(`as.${caller}.${subject}`, '', { timeoutMs: 10_000 })
    return reply.json<{ pid?: number; code?: string; retryAfterMs?: number }>()
  }
  const callOften = (count: number, caller: string, subject = 'limited') =>
    Promise.all(Array.from({ length: count }, () => call(caller, subject)))
  const newCaller = () => crypto.randomUUID()

  it('applies to all instances together under a burst of calls', async () => {
    const folder = await bench.write({ 'limited.ts': limited(60, 60_000) })
    const instances = await Promise.all(Array.from({ length: 4 }, () => bench.start(folder)))
    const [alice, bob] = [newCaller(), newCaller()]
    const served = await Promise.all(
      Array.from({ length: 100 }, () => call(newCaller(), 'limited')),
    )
    expect(new Set(served.map(({ pid }) => pid)).size).toBe(4)

    const answers = await callOften(1_200, alice)

    const accepted = answers.filter(({ pid }) => pid !== undefined)
    expect(accepted.length).toBeLessThanOrEqual(60)
    // The number may be below 60: calls that an instance reserves but does not use also count.
    expect(accepted.length).toBeGreaterThanOrEqual(54)
    for (const { code, retryAfterMs } of answers.filter(({ pid }) => pid === undefined)) {
      expect(code).toBe('rate_limited')
      expect(retryAfterMs).toBeGreaterThan(0)
      expect(retryAfterMs).toBeLessThanOrEqual(120_000)
    }
    expect(await call(bob, 'limited')).toHaveProperty('pid')
    for (const instance of instances) await instance[Symbol.asyncDispose]()
  })

  it('accepts the next call of a rejected caller after retryAfterMs', async () => {
    const folder = await bench.write({
      'slides.ts': limited(4, 2_000).replace("'limited'", "'slides'"),
    })
    await using _ = await bench.start(folder)
    const caller = newCaller()

    const answers = await callOften(5, caller, 'slides')
    const rejected = answers.find(({ code }) => code)
    await sleep(rejected?.retryAfterMs)

    expect(answers.filter(({ pid }) => pid)).toHaveLength(4)
    expect(rejected).toMatchObject({ code: 'rate_limited' })
    expect(await call(caller, 'slides')).toHaveProperty('pid')
  })

  it('counts calls in each process while the shared counters are unavailable, then uses the counters again', async () => {
    const folder = await bench.write({
      'allows.ts': limited(10, 60_000).replace("'limited'", "'allows'"),
    })
    await using _ = await bench.start(folder)
    const { streams } = await jetstreamManager(nc)
    const { config } = await streams.info('RATE_LIMIT')
    await streams.delete('RATE_LIMIT')

    const answers = await callOften(100, newCaller(), 'allows')

    expect(answers.filter(({ pid }) => pid)).toHaveLength(10)
    expect(answers.find(({ pid }) => !pid)).toMatchObject({ code: 'rate_limited' })

    await streams.add(config)
    await expect
      .poll(async () => {
        const caller = newCaller()
        await call(caller, 'allows')
        const { state } = await streams.info('RATE_LIMIT', {
          subjects_filter: `limit.allows.${caller}.*`,
        })
        return Object.keys(state.subjects ?? {}).length
      })
      .toBe(1)
  })

  it('with RATE_LIMIT_FALLBACK=block, rejects calls while the shared counters are unavailable', async () => {
    const folder = await bench.write({
      'blocks.ts': limited(10, 60_000).replace("'limited'", "'blocks'"),
    })
    await using _ = await bench.start(folder, [], { RATE_LIMIT_FALLBACK: 'block' })
    const { streams } = await jetstreamManager(nc)
    const { config } = await streams.info('RATE_LIMIT')
    await streams.delete('RATE_LIMIT')

    const answer = await call(newCaller(), 'blocks')

    expect(answer).toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 })
    await streams.add(config)
  })

  it('counts invalid calls like valid ones', async () => {
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

  it('answers invalid to a caller whose id is too long or has invalid characters', async () => {
    const folder = await bench.write({ 'limited.ts': limited(60, 60_000) })
    await using _ = await bench.start(folder)

    for (const caller of ['x'.repeat(65), 'a:b', 'ä'])
      expect(await call(caller, 'limited')).toMatchObject({
        code: 'invalid',
        message: expect.stringContaining('is not a valid caller'),
      })
  })

  it('runs the prefetch of a function only for calls that wait for the shared counters', async () => {
    const folder = await bench.write({ 'prepared.ts': prefetching })
    await using _ = await bench.start(folder)
    const subjects: string[] = []
    const subscription = nc.subscribe('prepared.*.*', {
      callback(_error, { subject }) {
        subjects.push(subject)
      },
    })
    await nc.flush()
    const caller = newCaller()

    for (const id of ['a', 'b', 'c', 'd']) await call(caller, `prepared.${id}`)

    await nc.flush()
    subscription.unsubscribe()
    // The limiter reserves one call (a), then two at once (b and c). So c does not wait for the
    // shared counter, and its prefetch does not run.
    expect(subjects).toEqual([
      'prepared.a.prefetched',
      'prepared.a.handled',
      'prepared.b.prefetched',
      'prepared.b.handled',
      'prepared.c.handled',
      'prepared.d.prefetched',
      'prepared.d.handled',
    ])
  })

  it.each([
    ['RATE_LIMIT_FALLBACK', 'maybe', 'use allow or block'],
    ['RATE_LIMIT_FACTOR', 'many', 'use a number over 0'],
    ['RATE_LIMIT_FACTOR', '0', 'use a number over 0'],
  ])(
    'with the invalid variable %s=%s prevents the start, with an error that names the valid values',
    async (name, value, advice) => {
      const folder = await bench.write({ 'limited.ts': limited(1, 1_000) })

      const { code, stderr } = await runtime(['start', folder], {
        env: { NATS_URL: bench.nats.urlOf('functions'), [name]: value },
      })

      expect(code).not.toBe(0)
      expect(stderr).toContain(`${name} is "${value}"`)
      expect(stderr).toContain(advice)
    },
  )

  it.each([
    [0, 1_000, 'limit.max: 0 is not'],
    [1.5, 1_000, 'limit.max: 1.5 is not'],
    [1, 999, 'limit.windowMs: 999 is not'],
    [1, 61_000, 'limit.windowMs: 61000 is not'],
  ])(
    'of %d calls in %d ms is reported as invalid by runtime check',
    async (max, windowMs, reason) => {
      const folder = await bench.write({ 'limited.ts': limited(max, windowMs) })

      const { code, stdout, stderr } = await runtime(['check', folder])

      expect(code).not.toBe(0)
      expect(stdout + stderr).toContain(reason)
    },
  )
})
