import { once } from 'node:events'
import { createServer } from 'node:net'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kvWatch, schedule, stream } from '#runtime'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const visit = `
import { once } from 'node:events'
import { connect } from 'node:net'

export async function visit(port) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}
`
const works = (name: string, options: string) => `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'
import { visit } from './_visit.ts'

const jobs = { stream: '${name}', subjects: ['${name}.*'] }
const job = { subject: '${name}.{id}', data: v.object({ id: v.string(), port: v.optional(v.number()) }) }
const done = { subject: 'done.${name}.{id}', data: v.object({ id: v.string() }) }

export default defineFunction(stream(jobs, job, { ${options} }), async (batch, { publish }) => {
  for (const { data } of batch) if (data.port) await visit(data.port)
  for (const { data } of batch) publish(done, { id: data.id })
})
`
const watches = `
import * as v from 'valibot'
import { defineFunction, kvWatch } from '#runtime'
import { visit } from './_visit.ts'

const hosts = { bucket: 'HOSTS', value: v.object({ port: v.optional(v.number()), name: v.string() }) }
const done = { subject: 'done.HOSTS.{key}', data: v.object({ key: v.string(), name: v.string() }) }

export default defineFunction(kvWatch(hosts, { maxWaitMs: 2_000 }), async ({ key, value }, { publish }) => {
  if (value.port) await visit(value.port)
  publish(done, { key, name: value.name })
})
`
const ticks = (port: number) => `
import * as v from 'valibot'
import { defineFunction, schedule } from '#runtime'
import { visit } from './_visit.ts'

const done = { subject: 'done.ticks.{at}', data: v.object({ at: v.string() }) }
let first

export default defineFunction(schedule({ everyMs: 1_000 }), async ({ at }, { publish }) => {
  first ??= at
  // The first three ticks cannot reach the dependency.
  if (at.getTime() < first.getTime() + 2_500) await visit(${port})
  publish(done, { at: String(at.getTime()) })
})
`

describe('a message whose handler cannot reach a dependency', () => {
  let bench: CommandLine
  let nc: NatsConnection
  let closedPort: number

  beforeAll(async () => {
    bench = await createCommandLine()
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
    closedPort = await findClosedPort()
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  /** Stores the jobs before a consumer exists, so that they are delivered in batches. */
  async function createFixture(jobs: Record<string, { port?: number }>, options: string) {
    const name = `jobs-${crypto.randomUUID()}`
    const append = (id: string, job = {}) =>
      jetstream(nc).publish(`${name}.${id}`, JSON.stringify(job))
    await (await jetstreamManager(nc)).streams.add({ name, subjects: [`${name}.*`] })
    for (const [id, job] of Object.entries(jobs)) await append(id, job)
    const done = collect(`done.${name}.*`)
    const dead = nc.subscribe(`dead.${name}`)
    await nc.flush()
    const files = { '_visit.ts': visit, [`${name}.ts`]: works(name, options) }
    const served = await bench.start(await bench.write(files))
    const state = async () => (await nc.request(`fn.${name}`)).json()
    return { name, append, done, dead, served, state }
  }

  function collect(subject: string) {
    const tokens: string[] = []
    nc.subscribe(subject, {
      callback: (_, message) => void tokens.push(message.subject.split('.').at(-1) ?? ''),
    })
    return tokens
  }

  it('does not block the rest of its batch, and after maxWaitMs becomes a dead letter that names the reason', async () => {
    const { name, append, done, dead, state } = await createFixture(
      { a: {}, lost: { port: closedPort }, b: {}, c: {} },
      'batch: 10, maxWaitMs: 1_000',
    )
    await expect.poll(() => done.toSorted()).toEqual(['a', 'b', 'c'])
    await append('later')
    await expect.poll(() => done).toContain('later')

    for await (const letter of dead) {
      expect(letter.headers?.get('Natter-Subject')).toBe(`${name}.lost`)
      expect(letter.headers?.get('Natter-Reason')).toBe(
        `a dependency was unavailable for 1 s: connect ECONNREFUSED 127.0.0.1:${closedPort}`,
      )
      expect(letter.headers?.get('Natter-Deliveries')).toBe('1')
      break
    }
    await expect.poll(state).toMatchObject({ pending: 0, unacknowledged: 0 })
    expect(done.toSorted()).toEqual(['a', 'b', 'c', 'later'])
  })

  it('does not block other messages, even if whole batches of messages wait for the dependency', async () => {
    const lost = Array.from({ length: 25 }, (_, n) => [`lost-${n}`, { port: closedPort }])
    const { done, dead, state } = await createFixture(
      { ...Object.fromEntries(lost), good: {} },
      'batch: 10, maxWaitMs: 3_000',
    )

    await expect.poll(() => done).toEqual(['good'])
    const subjects = new Set<string>()
    for await (const letter of dead)
      if (subjects.add(letter.headers?.get('Natter-Subject') ?? '').size === lost.length) break
    await expect.poll(state).toMatchObject({ pending: 0, unacknowledged: 0 })
  }, 30_000)

  it('is handled once the dependency is available again, and so are all other waiting messages', async () => {
    const port = await findClosedPort()
    const ids = Array.from({ length: 40 }, (_, n) => `job-${n}`)
    const { done, state, served } = await createFixture(
      Object.fromEntries(ids.map((id) => [id, { port }])),
      'batch: 10, maxWaitMs: Number.POSITIVE_INFINITY',
    )
    await served.log.line(/dependency unavailable/, { from: 0 })
    expect(done).toEqual([])
    const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')

    await expect.poll(() => new Set(done).size, { timeout: 20_000 }).toBe(ids.length)
    await expect.poll(state).toMatchObject({ pending: 0, unacknowledged: 0 })
    expect(served.log.tail(100)).not.toContain('dead letter')
    server.close()
  }, 30_000)

  it('is redelivered at once to another process when its process stops', async () => {
    const port = await findClosedPort()
    const { name, done, served } = await createFixture(
      { job: { port } },
      'maxWaitMs: Number.POSITIVE_INFINITY',
    )
    await served.log.line(/dependency unavailable/, { from: 0 })
    await served.stop()
    const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
    await bench.start(await bench.write({ '_visit.ts': visit, [`${name}.ts`]: works(name, '') }))

    // The timeout is below 10 s: after 10 s, the server would redeliver the message even if the
    // stopped process had not returned it.
    await expect.poll(() => done, { timeout: 8_000 }).toEqual(['job'])
    server.close()
  }, 30_000)

  it('does not block changes of other keys if it is a change in a bucket, and is replaced by a newer change of its key', async () => {
    const received: string[] = []
    nc.subscribe('done.HOSTS.*', {
      callback: (_, message) => void received.push(message.json<{ name: string }>().name),
    })
    const dead = nc.subscribe('dead.watches', { max: 1 })
    await bench.start(await bench.write({ '_visit.ts': visit, 'watches.ts': watches }))
    const kv = await new Kvm(jetstream(nc)).open('HOSTS')
    await kv.put('one', JSON.stringify({ name: 'superseded', port: closedPort }))
    await kv.put('two', JSON.stringify({ name: 'lost', port: closedPort }))
    await kv.put('three', '{"name":"other"}')
    await expect.poll(() => received).toEqual(['other'])
    await kv.put('one', '{"name":"newest"}')

    await expect.poll(() => received).toEqual(['other', 'newest'])
    for await (const letter of dead) expect(letter.json()).toMatchObject({ name: 'lost' })
    const state = async () => (await nc.request('fn.watches')).json()
    await expect.poll(state).toMatchObject({ pending: 0, unacknowledged: 0 })
    const info = await (await jetstreamManager(nc)).streams.info('DEAD_LETTERS', {
      subjects_filter: 'dead.watches',
    })
    expect(info.state.subjects).toEqual({ 'dead.watches': 1 })
  }, 30_000)

  it('is dropped at the next tick if it is a tick of a schedule, and the outage is logged once', async () => {
    const done = collect('done.ticks.*')
    const files = { '_visit.ts': visit, 'ticks.ts': ticks(closedPort) }
    const served = await bench.start(await bench.write(files))

    await expect.poll(() => done.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(2)
    const state = async () => (await nc.request('fn.ticks')).json()
    await expect.poll(state).toMatchObject({ unacknowledged: 0 })
    const lines = served.log.read(0).split('\n')
    expect(lines.filter((line) => line.includes('"level":40'))).toEqual([
      expect.stringContaining(
        `"reason":"connect ECONNREFUSED 127.0.0.1:${closedPort}","msg":"dependency unavailable, retrying"`,
      ),
    ])
    expect(lines.filter((line) => line.includes('dependency available again'))).toHaveLength(1)
  }, 30_000)
})

describe('the option maxWaitMs', () => {
  const topic = { subject: 'tasks.{n}', data: v.object({ n: v.string() }) }
  const tasks = { stream: 'TASKS', subjects: ['tasks.*'] }

  it.each([-1, 0, 1.5, Number.NaN])('is rejected if it is %d', (maxWaitMs) => {
    const reason = `maxWaitMs is ${maxWaitMs}: use whole milliseconds, 1 or more, or Infinity`
    expect(() => stream(tasks, topic, { maxWaitMs })).toThrow(reason)
    expect(() => kvWatch({ bucket: 'B', value: v.string() }, { maxWaitMs })).toThrow(reason)
    expect(() => schedule({ everyMs: 1_000, maxWaitMs })).toThrow(reason)
  })
})

async function findClosedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
