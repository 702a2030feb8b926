import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { NatsConnection } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Client, createClient } from '#runtime/client'
import { readHealthAddress } from '../../runtime/server/config.ts'
import { freePort } from '../../stack/ports.ts'
import { type CommandLine, createCommandLine, greet, runtime } from '../support/command-line.ts'
import { type MetricSample, parseMetrics, sumOf } from '../support/metrics.ts'

const contracts = {
  greet: {
    subject: 'greet.{name}',
    audience: ['everyone'],
    input: v.object({ name: v.string(), takesMs: v.unknown(), ends: v.optional(v.string()) }),
    output: v.object({ pid: v.number() }),
    errors: ['not_found'],
  },
  store: {
    subject: 'store.{id}',
    audience: ['functions'],
    input: v.object({ id: v.string() }),
    output: v.object({}),
  },
  gated: {
    subject: 'gated',
    audience: ['functions'],
    input: v.object({}),
    output: v.object({}),
    timeoutMs: 60_000,
  },
} as const

/**
 * A function that is served once its folder contains the file `serve`. Its calls end once the
 * folder contains the file `end`.
 */
const gated = `
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = {
  subject: 'gated',
  audience: ['functions'],
  input: v.object({}),
  output: v.object({}),
  timeoutMs: 60_000,
}

const exists = async (name) => {
  while (!existsSync(import.meta.dirname + '/' + name)) await setTimeout(20)
}

export default defineFunction(
  contract,
  async () => {
    await exists('end')
    return {}
  },
  { concurrency: 1, beforeServe: () => exists('serve') },
)
`

/**
 * A function that consumes a stream. It finishes a message only once its folder contains the file
 * `end`.
 */
const consume = `
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const orders = { stream: 'ORDERS', subjects: ['order.*'], config: { storage: 'memory' } }
const order = { subject: 'order.{id}', data: v.object({ id: v.string() }) }

export default defineFunction(stream(orders, order, { batch: 1 }), async () => {
  while (!existsSync(import.meta.dirname + '/end')) await setTimeout(20)
})
`

/**
 * A `_setup.ts` with a dependency check that throws while the folder contains the file `away`, and
 * does not end while the folder contains the file `silent`.
 */
const setup = `
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const exists = (name) => existsSync(import.meta.dirname + '/' + name)

async function check() {
  if (exists('away')) throw new Error('the shop is closed')
  while (exists('silent')) await setTimeout(20)
}

export default () => ({ dependencies: { shop: check }, [Symbol.asyncDispose]: async () => {} })
`

/**
 * A function that appends a message to a stream, which accepts at most two messages. For the id
 * `full-disk`, the function instead throws the error that PostgreSQL returns without disk space.
 */
const store = `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const parcels = {
  stream: 'PARCELS',
  subjects: ['parcel.*'],
  config: { storage: 'memory', max_msgs: 2, discard: 'new' },
}
const parcel = { subject: 'parcel.{id}', data: v.object({ id: v.string() }) }
const contract = {
  subject: 'store.{id}',
  audience: ['functions'],
  input: v.object({ id: v.string() }),
  output: v.object({}),
}

export default defineFunction(
  contract,
  async ({ id }, { append }) => {
    if (id === 'full-disk') throw Object.assign(new Error('could not extend file'), { code: '53100' })
    await append(parcel, { id })
    return {}
  },
  { resources: [parcels] },
)
`

/**
 * A function that rejects each message: the message is redelivered once, then becomes a dead
 * letter.
 */
const reject = `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const refunds = { stream: 'REFUNDS', subjects: ['refund.*'], config: { storage: 'memory' } }
const refund = { subject: 'refund.{id}', data: v.object({ id: v.string() }) }

export default defineFunction(stream(refunds, refund, { backoffMs: [1] }), () => {
  throw new Error('there are no refunds')
})
`

const ready = { status: 200, body: { ready: true } }
const notReady = (reason: unknown) => ({ status: 503, body: { ready: false, reason } })

let bench: CommandLine
let nc: NatsConnection
let client: Client<typeof contracts>

beforeAll(async () => {
  bench = await createCommandLine()
  nc = await bench.connect()
  client = createClient(nc, { contracts, user: 'ada' })
})
afterAll(async () => {
  client?.close()
  await bench?.[Symbol.asyncDispose]()
})

async function given(files: Record<string, string>, args?: string[]) {
  const [folder, port] = [await bench.write(files), await freePort()]
  const url = `http://127.0.0.1:${port}`
  return {
    create: (file: string) => writeFile(join(folder, file), ''),
    remove: (file: string) => rm(join(folder, file)),
    start: () => bench.start(folder, args, { HEALTH_PORT: String(port) }),
    get: (path: string, method = 'GET') => fetch(url + path, { method }),
    async readiness() {
      const response = await fetch(`${url}/readyz`)
      return { status: response.status, body: await response.json() }
    },
    async metrics() {
      return parseMetrics(await (await fetch(`${url}/metrics`)).text())
    },
  }
}

const valuesOf = (metrics: readonly MetricSample[], name: string) =>
  metrics.filter((sample) => sample.name === name).map(({ value }) => value)

const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 30_000, interval: 20 })

describe('a runtime with HEALTH_PORT', () => {
  it('is ready once all functions are served, and no longer while it stops', async () => {
    const health = await given({ 'greet.ts': greet, 'gated.ts': gated })
    const starting = health.start()
    await until(async () => expect(await health.readiness()).toEqual(notReady('starting')))
    expect((await health.get('/livez')).status).toBe(200)
    expect(valuesOf(await health.metrics(), 'natter_ready')).toEqual([0])

    await health.create('serve')
    await using runtime = await starting
    expect(await health.readiness()).toEqual(ready)
    expect(valuesOf(await health.metrics(), 'natter_ready')).toEqual([1])

    let hasEnded = false
    const call = client.call('gated', {}).finally(() => {
      hasEnded = true
    })
    await until(async () => expect(sumOf(await health.metrics(), 'natter_calls_in_flight')).toBe(1))
    await runtime.kill('SIGTERM')
    await until(async () => expect(await health.readiness()).toEqual(notReady('draining')))
    expect((await health.get('/livez')).status).toBe(200)
    expect(hasEnded).toBe(false)

    await health.create('end')
    await expect(call).resolves.toEqual({})
    await expect(runtime.exited).resolves.toEqual({ code: 0, signal: null })
  })

  it('is not ready, but live, while NATS is disconnected', async () => {
    const health = await given({ 'greet.ts': greet, 'consume.ts': consume })
    await using _runtime = await health.start()
    await bench.nats.kill('SIGKILL')
    await until(async () =>
      expect(await health.readiness()).toEqual(notReady('NATS is disconnected')),
    )
    expect((await health.get('/livez')).status).toBe(200)
    const metrics = await health.metrics()
    expect(metrics.map(({ name }) => name)).toContain('natter_calls_total')
    expect(valuesOf(metrics, 'natter_nats_connected')).toEqual([0])
    expect(valuesOf(metrics, 'natter_ready')).toEqual([0])

    await bench.nats.restart()
    await until(async () => expect(await health.readiness()).toEqual(ready))
    expect(valuesOf(await health.metrics(), 'natter_nats_connected')).toEqual([1])
    await until(() => nc.flush())
  })

  it('answers unknown paths with 404, and methods other than GET and HEAD with 405', async () => {
    const health = await given({ 'greet.ts': greet })
    await using _runtime = await health.start()

    expect((await health.get('/')).status).toBe(404)
    expect((await health.get('/livez/')).status).toBe(404)
    const rejected = await health.get('/metrics', 'POST')
    expect([rejected.status, rejected.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const head = await health.get('/readyz?from=probe', 'HEAD')
    expect([head.status, await head.text()]).toEqual([200, ''])
  })
})

describe('the metrics of a runtime', () => {
  it('count calls, and failures by error code', async () => {
    const health = await given({ 'greet.ts': greet })
    await using _runtime = await health.start()
    const inputs = [
      {},
      {},
      {},
      { ends: 'refused' },
      { ends: 'refused' },
      { ends: 'thrown' },
      { takesMs: 'long' },
    ]
    for (const input of inputs) await client.try('greet', { name: 'you', takesMs: 0, ...input })

    const metrics = await health.metrics()
    const samplesOf = (name: string) => metrics.filter((sample) => sample.name === name)
    expect(samplesOf('natter_calls_total')).toMatchObject([
      { labels: { function: 'greet' }, value: inputs.length },
    ])
    expect(
      Object.fromEntries(
        samplesOf('natter_call_failures_total').map(({ labels, value }) => [labels.code, value]),
      ),
    ).toEqual({ not_found: 2, internal: 1, invalid: 1 })
    const buckets = samplesOf('natter_call_duration_seconds_bucket').map(({ value }) => value)
    expect(buckets).toEqual(buckets.toSorted((a, b) => a - b))
    expect(buckets.at(-1)).toBe(inputs.length)
    expect(sumOf(metrics, 'natter_call_duration_seconds_count')).toBe(inputs.length)
    expect(sumOf(metrics, 'natter_call_duration_seconds_sum')).toBeGreaterThan(0)
    expect(sumOf(metrics, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
    expect(samplesOf('nodejs_eventloop_lag_p99_seconds')).toHaveLength(1)
    const [used, limit] = ['nodejs_heap_size_used_bytes', 'nodejs_heap_size_limit_bytes']
    expect(sumOf(metrics, limit)).toBeGreaterThan(sumOf(metrics, used))
    expect(sumOf(metrics, 'process_memory_limit_bytes')).toBeGreaterThan(
      sumOf(metrics, 'process_resident_memory_bytes'),
    )
    expect(sumOf(metrics, 'natter_calls_queue_limit', { function: 'greet' })).toBe(1_024)
  })

  it('contain running and waiting calls, and the backlog of a consumer', async () => {
    const health = await given({ 'gated.ts': gated, 'consume.ts': consume })
    await health.create('serve')
    await using _runtime = await health.start()
    const calls = [client.call('gated', {}), client.call('gated', {})]
    for (let id = 0; id < 15; id++) nc.publish(`order.${id}`, '{}')
    await until(async () => {
      const metrics = await health.metrics()
      const pending = sumOf(metrics, 'natter_consumer_pending_messages')
      const unacknowledged = sumOf(metrics, 'natter_consumer_unacknowledged_messages')
      const gatedOnly = { function: 'gated' }
      expect(sumOf(metrics, 'natter_calls_in_flight', gatedOnly)).toBe(1)
      expect(sumOf(metrics, 'natter_calls_queued', gatedOnly)).toBe(1)
      expect(pending + unacknowledged).toBe(15)
    })

    await health.create('end')
    await Promise.all(calls)
    await until(async () => {
      const metrics = await health.metrics()
      expect(sumOf(metrics, 'natter_calls_total', { function: 'gated' })).toBe(2)
      expect(sumOf(metrics, 'natter_calls_total', { function: 'consume' })).toBe(15)
      expect(sumOf(metrics, 'natter_consumer_unacknowledged_messages')).toBe(0)
    })
  })

  it('show whether a dependency that _setup.ts declares is available', async () => {
    const health = await given({ '_setup.ts': setup, 'greet.ts': greet })
    await using runtime = await health.start()
    const isAvailable = async () =>
      sumOf(await health.metrics(), 'natter_dependency_available', { dependency: 'shop' })
    expect(await isAvailable()).toBe(1)

    await health.create('away')
    expect([await isAvailable(), await isAvailable()]).toEqual([0, 0])
    await health.remove('away')
    await health.create('silent')
    expect([await isAvailable(), await isAvailable()]).toEqual([0, 0])
    await health.remove('silent')
    await until(async () => expect(await isAvailable()).toBe(1))

    const lines = runtime.log.read(0).match(/.*"msg":"dependency unavailable".*/g) ?? []
    expect(lines).toHaveLength(1)
    expect(JSON.parse(String(lines[0]))).toMatchObject({
      dependency: 'shop',
      err: { message: 'the shop is closed' },
    })
  })

  it('count calls that failed because JetStream or the database could not store data', async () => {
    const health = await given({ 'store.ts': store })
    await using _runtime = await health.start()
    const failures = async () => {
      const metrics = await health.metrics()
      return ['jetstream', 'database'].map((storage) =>
        metrics
          .filter(
            ({ name, labels }) =>
              name === 'natter_storage_failures_total' && labels.storage === storage,
          )
          .map(({ value }) => value),
      )
    }
    for (const id of ['a', 'b']) await client.call('store', { id })
    expect(await failures()).toEqual([[0], [0]])

    for (const id of ['c', 'd', 'full-disk'])
      expect(await client.try('store', { id })).toMatchObject({ error: { code: 'unavailable' } })
    expect(await failures()).toEqual([[2], [1]])
  })

  it('contain redelivered messages, and dead letters by service', async () => {
    const health = await given({ 'refund.reject.ts': reject, 'consume.ts': consume })
    await using _runtime = await health.start()
    const deadLetters = async () =>
      (await health.metrics())
        .filter(({ name }) => name === 'natter_dead_letters')
        .map(({ labels, value }) => [labels.service, value])
    expect(Object.fromEntries(await deadLetters())).toEqual({ 'refund-reject': 0, consume: 0 })

    for (const id of ['a', 'b', 'c']) nc.publish(`refund.${id}`, '{"id":"a"}')
    await until(async () =>
      expect(Object.fromEntries(await deadLetters())).toEqual({ 'refund-reject': 3, consume: 0 }),
    )
    // The metric also counts dead letters of functions that another runtime serves.
    await nc.request('dead.other-function', '')
    await until(async () =>
      expect(Object.fromEntries(await deadLetters())).toMatchObject({ 'other-function': 1 }),
    )
    expect(
      (await health.metrics())
        .filter(({ name }) => name === 'natter_consumer_redelivered_messages')
        .map(({ labels }) => labels.function),
    ).toEqual(expect.arrayContaining(['refund.reject', 'consume']))
  })
})

describe('the health of two instances', () => {
  it('is served by the supervisor for both instances together', async () => {
    const health = await given({ 'greet.ts': greet }, ['--instances', '2'])
    await using runtime = await health.start()
    expect(await health.readiness()).toEqual(ready)
    for (let call = 0; call < 20; call++) await client.call('greet', { name: 'you', takesMs: 0 })
    const metrics = await health.metrics()
    const memory = metrics.filter(({ name }) => name === 'process_resident_memory_bytes')
    expect(memory.map(({ labels }) => labels.process).toSorted()).toEqual(['1', '2'])
    expect(sumOf(metrics, 'natter_calls_total')).toBe(20)
    expect(valuesOf(metrics, 'natter_ready')).toEqual([1, 1])

    const from = runtime.log.end()
    const { pid } = await client.call('greet', { name: 'you', takesMs: 0 })
    process.kill(pid, 'SIGSTOP')
    expect(await health.readiness()).toEqual(
      notReady(expect.stringMatching(/^instance [12]: no answer$/)),
    )
    expect(valuesOf(await health.metrics(), 'natter_ready').toSorted()).toEqual([0, 1])
    process.kill(pid, 'SIGKILL')
    await runtime.log.line(/"msg":"instance ready"/, { from })
    await until(async () => expect(await health.readiness()).toEqual(ready))

    await runtime.kill('SIGTERM')
    await expect(runtime.exited).resolves.toEqual({ code: 0, signal: null })
  })

  it('is reported as ready throughout a rolling restart', async () => {
    const health = await given({ 'greet.ts': greet }, ['--instances', '2'])
    await using runtime = await health.start()
    let isDone = false
    const done = runtime.log.line(/"msg":"rolling restart done"/, { within: 60_000 }).then(() => {
      isDone = true
    })
    await runtime.kill('SIGHUP')
    while (!isDone) expect(await health.readiness()).toEqual(ready)

    await done
    expect(await health.readiness()).toEqual(ready)
  })
})

describe('HEALTH_PORT', () => {
  it('is a port of the loopback interface unless HEALTH_HOST is set', () => {
    expect(readHealthAddress({})).toBeUndefined()
    expect(readHealthAddress({ HEALTH_PORT: '', HEALTH_HOST: '0.0.0.0' })).toBeUndefined()
    expect(readHealthAddress({ HEALTH_PORT: '9090' })).toEqual({ host: '127.0.0.1', port: 9090 })
    expect(readHealthAddress({ HEALTH_PORT: '9090', HEALTH_HOST: '::' })).toMatchObject({
      host: '::',
    })
  })

  it.each(['0', '65536', '-1', '80.5', '1e3', ' 80', 'http'])('rejects the value "%s"', (value) => {
    expect(() => readHealthAddress({ HEALTH_PORT: value })).toThrow(
      `HEALTH_PORT is "${value}": use a port from 1 to 65535`,
    )
  })

  it.each([
    ['one process', ['--no-supervisor']],
    ['a supervisor', []],
  ])('makes %s exit with an error if the port is invalid or in use', async (_, args) => {
    const other = createServer()
    onTestFinished(() => void other.close())
    const port = await new Promise<string>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve(String(Object(other.address()).port)))
    })
    const folder = await bench.write({
      'imported.ts': `import { writeFileSync } from 'node:fs'
writeFileSync(import.meta.dirname + '/imported', '')`,
    })
    const start = (env: Record<string, string>) => runtime(['start', folder, ...args], { env })

    expect(await start({ HEALTH_PORT: port })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `error: HEALTH_PORT is ${port}, and another program uses this port on 127.0.0.1: choose a free port\n`,
    })
    expect(await start({ HEALTH_PORT: 'http' })).toMatchObject({
      code: 1,
      stderr: 'error: HEALTH_PORT is "http": use a port from 1 to 65535, such as 9090\n',
    })
    expect(await start({ HEALTH_PORT: port, HEALTH_HOST: '192.0.2.1' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `cannot listen on HEALTH_PORT ${port} of HEALTH_HOST 192.0.2.1`,
      ),
    })
    expect(existsSync(join(folder, 'imported'))).toBe(false)
  })
})
