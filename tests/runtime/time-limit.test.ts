import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { pino } from 'pino'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kvWatch, schedule, stream } from '#runtime'
import { readRuntimeConfig } from '../../runtime/server/config.ts'
import { startRuntime } from '../../runtime/server/run.ts'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

/**
 * A task that begins with `well` succeeds, and `fails` throws at once. All other tasks exceed the
 * time limit in their first attempt, and `never ends` in every attempt.
 */
const task = `
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'

const step = { subject: 'step.{name}', data: v.object({ name: v.string(), what: v.string() }) }
const attempted = new Set()

export async function doTask(name, task, { publish, signal }) {
  const report = (what) => publish(step, { name, what: task + ': ' + what })
  const isRetry = attempted.has(name + task)
  attempted.add(name + task)
  if (task.startsWith('well') || (isRetry && task !== 'never ends' && task !== 'fails')) return report('done')
  if (task === 'fails') throw new Error('broken')
  await once(signal, 'abort')
  report('aborted, ' + signal.reason.code)
  if (task.startsWith('never ends')) await new Promise(() => {})
  await setTimeout(20)
  report('late')
  if (task === 'fails late') throw new Error('late')
}
`
const works = (timeoutMs: number, options = '') => `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'
import { doTask } from './_task.ts'

const tasks = { stream: 'TASKS', subjects: ['tasks.*'] }
const task = { subject: 'tasks.{n}', data: v.object({ n: v.string(), task: v.string() }) }

export default defineFunction(
  stream(tasks, task, { batch: 10, backoffMs: [100], timeoutMs: ${timeoutMs} }),
  async (batch, context) => {
    for (const { data } of batch) await doTask('works', data.task, context)
  },
  { ${options} },
)
`
const obeys = `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const orders = { stream: 'ORDERS', subjects: ['orders.*'] }
const order = { subject: 'orders.{n}', data: v.object({ n: v.string() }) }

export default defineFunction(
  stream(orders, order, { backoffMs: [], timeoutMs: 200 }),
  (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
)
`
const watches = `
import * as v from 'valibot'
import { defineFunction, kvWatch } from '#runtime'
import { doTask } from './_task.ts'

const settings = { bucket: 'SETTINGS', value: v.string() }

export default defineFunction(kvWatch(settings, { timeoutMs: 200 }), ({ value }, context) =>
  doTask('watches', value, context))
`
const ticks = `
import { defineFunction, schedule } from '#runtime'
import { doTask } from './_task.ts'

export default defineFunction(schedule({ everyMs: 1000, timeoutMs: 200 }), (_, context) =>
  doTask('ticks', 'never ends at first', context))
`

describe('a handler that exceeds its time limit', () => {
  let fixture: Fixture

  beforeAll(async () => {
    fixture = await createFixture()
    const files = { '_task.ts': task, 'works.ts': works(200), 'obeys.ts': obeys }
    const more = { 'watches.ts': watches, 'ticks.ts': ticks }
    await fixture.start(await fixture.bench.write({ ...files, ...more }))
  })
  afterAll(() => fixture?.[Symbol.asyncDispose]())

  it('on a stream counts as failed, and its later outcome is ignored', async () => {
    const { steps, append, stats } = fixture
    const until = steps('works')
    const before = await stats('works')
    await append('ends late')

    expect(await until('ends late: done')).toEqual([
      'ends late: aborted, timeout',
      'ends late: late',
      'ends late: done',
    ])
    await expect.poll(() => stats('works')).toMatchObject({ data: { in_flight: 0 } })
    const after = await stats('works')
    expect(after.num_requests - before.num_requests).toBe(1)
    expect(after.num_errors - before.num_errors).toBe(1)
    expect(after.data.timeouts - before.data.timeouts).toBe(1)
  })

  it('on a stream is retried even if it throws after the time limit', async () => {
    const until = fixture.steps('works')
    await fixture.append('fails late')
    expect(await until('fails late: done')).toContain('fails late: late')
  })

  it('on a stream does not block the rest of its batch, and its message becomes a dead letter', async () => {
    const { steps, nc, append } = fixture
    const dead = nc.subscribe('dead.works', { max: 1 })
    const until = steps('works')
    for (const task of ['well', 'never ends', 'well at last']) await append(task)

    expect(await until('well at last: done')).toContain('well: done')
    for await (const letter of dead) {
      expect(letter.json()).toEqual({ task: 'never ends' })
      expect(letter.headers?.get('Natter-Reason')).toBe('timeout: not done after 200 ms')
    }
  })

  it('on a stream makes its message a dead letter even if it ends as soon as its signal aborts', async () => {
    const { nc } = fixture
    const dead = nc.subscribe('dead.obeys', { max: 1 })
    await jetstream(nc).publish('orders.1', '{}')

    for await (const { headers } of dead)
      expect(headers?.get('Natter-Reason')).toBe('timeout: not done after 200 ms')
  })

  it('on a bucket is called again with the change that it did not finish', async () => {
    const until = fixture.steps('watches')
    const kv = await new Kvm(jetstream(fixture.nc)).open('SETTINGS')
    await kv.put('one', '"never ends at first"')

    expect(await until('never ends at first: done')).toEqual([
      'never ends at first: aborted, timeout',
      'never ends at first: done',
    ])
  })

  it('on a schedule does not block later ticks', async () => {
    const { steps, stats } = fixture
    await steps('ticks')('never ends at first: done')
    expect((await stats('ticks')).data.timeouts).toBe(1)
  })
})

describe('a handler that is still running when its process must stop', () => {
  // The timeout is below 10 s: after 10 s, the server would redeliver the message even if the
  // stopped process had not returned it.
  it('is aborted, and another process receives the message at once', {
    timeout: 8_000,
  }, async () => {
    await using fixture = await createFixture()
    const { bench, steps, append, start, stats } = fixture
    const folder = await bench.write({ '_task.ts': task, 'works.ts': works(60_000) })
    const until = steps('works')
    const first = await start(folder)
    await append('ends late')
    await expect.poll(() => stats('works')).toMatchObject({ data: { in_flight: 1 } })
    await start(folder)
    await first.stop()

    expect(await until('ends late: done')).toContain('ends late: aborted, unavailable')
  })

  it('does not prevent the stop, and a replay of a dead letter that is queued behind it fails with unavailable', async () => {
    await using fixture = await createFixture()
    const { bench, append, nc, start, stats } = fixture
    const served = await start(
      await bench.write({ '_task.ts': task, 'works.ts': works(60_000, 'concurrency: 1') }),
    )
    const dead = nc.subscribe('dead.works', { max: 1 })
    await append('fails')
    for await (const _ of dead) break
    await append('ends late')
    await expect.poll(() => stats('works')).toMatchObject({ data: { in_flight: 1 } })
    const reply = nc.request('fn.works', '{"replay":1}', { timeout: 10_000 })
    await expect.poll(() => stats('works')).toMatchObject({ data: { queued: 1 } })
    await served.stop()

    expect((await reply).json()).toMatchObject({ code: 'unavailable' })
  })
})

describe('a time limit', () => {
  const topic = { subject: 'tasks.{n}', data: v.object({ n: v.string() }) }
  const tasks = { stream: 'TASKS', subjects: ['tasks.*'] }
  const settings = { bucket: 'SETTINGS', value: v.string() }

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'is rejected if it is %d',
    (timeoutMs) => {
      const reason = `timeoutMs is ${timeoutMs}: use a whole number from 1 to 86400000`
      expect(() => stream(tasks, topic, { timeoutMs })).toThrow(reason)
      expect(() => kvWatch(settings, { timeoutMs })).toThrow(reason)
      expect(() => schedule({ everyMs: 1_000, timeoutMs })).toThrow(reason)
    },
  )
})

type Fixture = Awaited<ReturnType<typeof createFixture>>

async function createFixture() {
  await using disposables = new AsyncDisposableStack()
  const bench: CommandLine = disposables.use(await createCommandLine())
  const url = bench.nats.urlOf('functions')
  const { username, password, host } = new URL(url)
  const nc = await connect({ servers: host, user: username, pass: password })
  disposables.defer(() => nc.close())
  const owned = disposables.move()
  return {
    bench,
    nc,
    async start(folder: string) {
      const config = readRuntimeConfig({ NATS_URL: url, NATTER_DRAIN_MS: '100' })
      return owned.use(
        await startRuntime({ folders: [folder], config, log: pino({ level: 'silent' }) }),
      )
    },
    append: (task: string) => jetstream(nc).publish('tasks.1', JSON.stringify({ task })),
    steps(name: string) {
      const subscription = nc.subscribe(`step.${name}`)
      return async (last: string) => {
        const steps: string[] = []
        for await (const message of subscription) {
          const { what } = message.json<{ what: string }>()
          if (steps.push(what) && what === last) break
        }
        return steps
      }
    },
    async stats(name: string) {
      const reply = await nc.request(`$SRV.STATS.${name}`)
      return reply.json<{ endpoints: [Stats] }>().endpoints[0]
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

interface Stats {
  num_requests: number
  num_errors: number
  data: Record<'in_flight' | 'queued' | 'timeouts', number>
}
