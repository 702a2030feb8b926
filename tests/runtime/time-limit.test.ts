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

/** Tells what comes of a task. All but one of those that take too long do so the first time alone. */
const task = `
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'

const met = { subject: 'met.{name}', data: v.object({ name: v.string(), what: v.string() }) }
const tried = new Set()

export async function doTask(name, task, { publish, signal }) {
  const tell = (what) => publish(met, { name, what: task + ': ' + what })
  const isAgain = tried.has(name + task)
  tried.add(name + task)
  if (task.startsWith('well') || (isAgain && task !== 'never ends')) return tell('done')
  await once(signal, 'abort')
  tell('aborted, ' + signal.reason.code)
  if (task.startsWith('never ends')) await new Promise(() => {})
  await setTimeout(20)
  tell('late')
  if (task === 'fails late') throw new Error('late')
}
`
const works = (timeoutMs: number) => `
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
)
`
const heeds = `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const wants = { stream: 'WANTS', subjects: ['wants.*'] }
const want = { subject: 'wants.{n}', data: v.object({ n: v.string() }) }

export default defineFunction(
  stream(wants, want, { backoffMs: [], timeoutMs: 200 }),
  (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
)
`
const watches = `
import * as v from 'valibot'
import { defineFunction, kvWatch } from '#runtime'
import { doTask } from './_task.ts'

const wishes = { bucket: 'WISHES', value: v.string() }

export default defineFunction(kvWatch(wishes, { timeoutMs: 200 }), ({ value }, context) =>
  doTask('watches', value, context))
`
const ticks = `
import { defineFunction, schedule } from '#runtime'
import { doTask } from './_task.ts'

export default defineFunction(schedule({ everyMs: 1000, timeoutMs: 200 }), (_, context) =>
  doTask('ticks', 'never ends at first', context))
`

describe('a handler that takes too long', () => {
  let ground: Ground

  beforeAll(async () => {
    ground = await createGround()
    const files = { '_task.ts': task, 'works.ts': works(200), 'heeds.ts': heeds }
    const more = { 'watches.ts': watches, 'ticks.ts': ticks }
    await ground.start(await ground.bench.write({ ...files, ...more }))
  })
  afterAll(() => ground?.[Symbol.asyncDispose]())

  it('of a stream has failed, and its outcome comes too late', async () => {
    const { hear, say, stats } = ground
    const until = hear('works')
    const before = await stats('works')
    await say('ends late')

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

  it('of a stream may fail late, too', async () => {
    const until = ground.hear('works')
    await ground.say('fails late')
    expect(await until('fails late: done')).toContain('fails late: late')
  })

  it('of a stream does not hold its batch, and ends in the dead letters', async () => {
    const { hear, nc, say } = ground
    const dead = nc.subscribe('dead.works', { max: 1 })
    const until = hear('works')
    for (const task of ['well', 'never ends', 'well at last']) await say(task)

    expect(await until('well at last: done')).toContain('well: done')
    for await (const letter of dead) {
      expect(letter.json()).toEqual({ task: 'never ends' })
      expect(letter.headers?.get('Natter-Reason')).toBe('timeout: not done after 200 ms')
    }
  })

  it('has taken too long, even if it ends at once when told', async () => {
    const { nc } = ground
    const dead = nc.subscribe('dead.heeds', { max: 1 })
    await jetstream(nc).publish('wants.1', '{}')

    for await (const { headers } of dead)
      expect(headers?.get('Natter-Reason')).toBe('timeout: not done after 200 ms')
  })

  it('of a bucket is tried again', async () => {
    const until = ground.hear('watches')
    const kv = await new Kvm(jetstream(ground.nc)).open('WISHES')
    await kv.put('one', '"never ends at first"')

    expect(await until('never ends at first: done')).toEqual([
      'never ends at first: aborted, timeout',
      'never ends at first: done',
    ])
  })

  it('of a schedule does not hold the schedule', async () => {
    const { hear, stats } = ground
    await hear('ticks')('never ends at first: done')
    expect((await stats('ticks')).data.timeouts).toBe(1)
  })
})

describe('a handler that is not done when its process must stop', () => {
  // Sooner than the server would notice by itself that nobody works on it any more.
  it('is told, and another takes over at once', { timeout: 8_000 }, async () => {
    await using ground = await createGround()
    const { bench, hear, say, start, stats } = ground
    const folder = await bench.write({ '_task.ts': task, 'works.ts': works(60_000) })
    const until = hear('works')
    const first = await start(folder)
    await say('ends late')
    await expect.poll(() => stats('works')).toMatchObject({ data: { in_flight: 1 } })
    await start(folder)
    await first.stop()

    expect(await until('ends late: done')).toContain('ends late: aborted, unavailable')
  })
})

describe('a time limit', () => {
  const topic = { subject: 'tasks.{n}', data: v.object({ n: v.string() }) }
  const tasks = { stream: 'TASKS', subjects: ['tasks.*'] }
  const wishes = { bucket: 'WISHES', value: v.string() }

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('is not %d', (timeoutMs) => {
    const reason = `timeoutMs is ${timeoutMs}: use whole milliseconds, 1 or more`
    expect(() => stream(tasks, topic, { timeoutMs })).toThrow(reason)
    expect(() => kvWatch(wishes, { timeoutMs })).toThrow(reason)
    expect(() => schedule({ everyMs: 1_000, timeoutMs })).toThrow(reason)
  })
})

type Ground = Awaited<ReturnType<typeof createGround>>

/** A server, what is asked of it, and runtimes in this process. */
async function createGround() {
  await using made = new AsyncDisposableStack()
  const bench: CommandLine = made.use(await createCommandLine())
  const url = bench.nats.urlOf('functions')
  const { username, password, host } = new URL(url)
  const nc = await connect({ servers: host, user: username, pass: password })
  made.defer(() => nc.close())
  const all = made.move()
  return {
    bench,
    nc,
    async start(folder: string) {
      const config = readRuntimeConfig({ NATS_URL: url, NATTER_DRAIN_MS: '100' })
      return all.use(await startRuntime({ folder, config, log: pino({ level: 'silent' }) }))
    },
    say: (task: string) => jetstream(nc).publish('tasks.1', JSON.stringify({ task })),
    /** What a function tells from now on, up to the last of it. */
    hear(name: string) {
      const subscription = nc.subscribe(`met.${name}`)
      return async (last: string) => {
        const found: string[] = []
        for await (const message of subscription) {
          const { what } = message.json<{ what: string }>()
          if (found.push(what) && what === last) break
        }
        return found
      }
    },
    async stats(name: string) {
      const reply = await nc.request(`$SRV.STATS.${name}`)
      return reply.json<{ endpoints: [Stats] }>().endpoints[0]
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

interface Stats {
  num_requests: number
  num_errors: number
  data: Record<'in_flight' | 'timeouts', number>
}
