import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const functions = {
  'listen.each.ts': listener('event(news)'),
  'listen.one.ts': listener("event(news, { queue: 'listeners' })"),
  'watches.ts': `
import * as v from 'valibot'
import { defineFunction, kvWatch } from '#runtime'
import { triggered } from './_triggered.ts'

const leases = { bucket: 'LEASES', value: v.object({ n: v.number() }), ttlMs: 1000, markerTtlMs: 1000 }

export default defineFunction(kvWatch(leases), ({ operation, key }, { publish }) =>
  publish(triggered, { name: 'watches', what: operation + ' ' + key, pid: process.pid }))
`,
  'ticks.ts': `
import { defineFunction, schedule } from '#runtime'
import { triggered } from './_triggered.ts'

export default defineFunction(schedule({ everyMs: 1000 }), ({ at }, { publish }) =>
  publish(triggered, { name: 'ticks', what: at.toISOString(), pid: process.pid }))
`,
  '_triggered.ts': `
import * as v from 'valibot'

export const triggered = {
  subject: 'triggered.{name}',
  data: v.object({ name: v.string(), what: v.string(), pid: v.number() }),
}
export const news = { subject: 'news.{what}', data: v.object({ what: v.string() }) }
`,
}

describe('two processes with the same functions', () => {
  let bench: CommandLine
  let nc: NatsConnection

  beforeAll(async () => {
    bench = await createCommandLine()
    const folder = await bench.write(functions)
    await bench.start(folder)
    await bench.start(folder)
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  async function collect(name: string, count: number, act = async () => {}) {
    const subscription = nc.subscribe(`triggered.${name}`)
    await nc.flush()
    await act()
    const events: { what: string; pid: number }[] = []
    for await (const message of subscription) {
      events.push(message.json())
      if (events.length === count) break
    }
    return events
  }

  it('both receive an event if the function has no queue group', async () => {
    const events = await collect('listen-each', 2, async () => nc.publish('news.first', '{}'))

    expect(events.map(({ what }) => what)).toEqual(['first', 'first'])
    expect(new Set(events.map(({ pid }) => pid)).size).toBe(2)
  })

  it('share the events of a function with a queue group', async () => {
    const count = 20
    const events = await collect('listen-one', count, async () => {
      for (let n = 0; n < count; n++) nc.publish(`news.${n}`, '{}')
    })

    expect(new Set(events.map(({ what }) => what)).size).toBe(count)
  })

  it('share the changes of a bucket, including expired keys', async () => {
    const key = `lease-${crypto.randomUUID()}`
    const kv = await new Kvm(jetstream(nc)).open('LEASES')

    const events = await collect('watches', 2, async () => void (await kv.put(key, '{"n":1}')))
    expect(events.map(({ what }) => what)).toEqual([`put ${key}`, `expire ${key}`])
  })

  it('together receive each tick of a schedule once', async () => {
    const events = await collect('ticks', 3)

    const times = events.map(({ what }) => Date.parse(what))
    expect(new Set(times).size).toBe(3)
    for (const [index, time] of times.entries())
      if (index > 0) expect(time - (times[index - 1] ?? 0)).toBeGreaterThan(500)
  })
})

describe('a process that serves only schedules', () => {
  it('creates the stream for the dead letters of its ticks', async () => {
    await using bench = await createCommandLine()
    const { 'ticks.ts': ticks, '_triggered.ts': triggered } = functions
    await bench.start(await bench.write({ 'ticks.ts': ticks, '_triggered.ts': triggered }))
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    const nc = await connect({ servers: host, user: username, pass: password })

    const { config } = await (await jetstreamManager(nc)).streams.info('DEAD_LETTERS')

    expect(config.subjects).toEqual(['dead.*'])
    await nc.close()
  })
})

function listener(trigger: string) {
  return `
import { defineFunction, event } from '#runtime'
import { news, triggered } from './_triggered.ts'

export default defineFunction(${trigger}, ({ what }, { publish }) =>
  publish(triggered, { name: '${trigger.includes('queue') ? 'listen-one' : 'listen-each'}', what, pid: process.pid }))
`
}
