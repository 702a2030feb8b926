import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

/** Each tells what it met, and in which process. */
const functions = {
  'hears.each.ts': hearing('event(told)'),
  'hears.one.ts': hearing("event(told, { queue: 'hearers' })"),
  'watches.ts': `
import * as v from 'valibot'
import { defineFunction, kvWatch } from '#runtime'
import { met } from './_met.ts'

const leases = { bucket: 'LEASES', value: v.object({ n: v.number() }), ttlMs: 1000, markerTtlMs: 1000 }

export default defineFunction(kvWatch(leases), ({ operation, key }, { publish }) =>
  publish(met, { name: 'watches', what: operation + ' ' + key, pid: process.pid }))
`,
  'ticks.ts': `
import { defineFunction, schedule } from '#runtime'
import { met } from './_met.ts'

export default defineFunction(schedule({ everyMs: 1000 }), ({ at }, { publish }) =>
  publish(met, { name: 'ticks', what: at.toISOString(), pid: process.pid }))
`,
  '_met.ts': `
import * as v from 'valibot'

export const met = {
  subject: 'met.{name}',
  data: v.object({ name: v.string(), what: v.string(), pid: v.number() }),
}
export const told = { subject: 'told.{what}', data: v.object({ what: v.string() }) }
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

  /** What a function says it met, until so many; acts once it is listened for. */
  async function heard(name: string, count: number, act = async () => {}) {
    const subscription = nc.subscribe(`met.${name}`)
    await nc.flush()
    await act()
    const found: { what: string; pid: number }[] = []
    for await (const message of subscription) {
      found.push(message.json())
      if (found.length === count) break
    }
    return found
  }

  it('both hear what is told, without a queue group', async () => {
    const found = await heard('hears-each', 2, async () => nc.publish('told.news', '{}'))

    expect(found.map(({ what }) => what)).toEqual(['news', 'news'])
    expect(new Set(found.map(({ pid }) => pid)).size).toBe(2)
  })

  it('share what is told, with a queue group', async () => {
    const count = 20
    const found = await heard('hears-one', count, async () => {
      for (let n = 0; n < count; n++) nc.publish(`told.news-${n}`, '{}')
    })

    expect(new Set(found.map(({ what }) => what)).size).toBe(count)
  })

  it('share the changes of a bucket, and see the end of an entry once', async () => {
    const key = `lease-${crypto.randomUUID()}`
    const kv = await new Kvm(jetstream(nc)).open('LEASES')

    const found = await heard('watches', 2, async () => void (await kv.put(key, '{"n":1}')))
    expect(found.map(({ what }) => what)).toEqual([`put ${key}`, `expire ${key}`])
  })

  it('run once for each tick', async () => {
    const found = await heard('ticks', 3)

    const times = found.map(({ what }) => Date.parse(what))
    expect(new Set(times).size).toBe(3)
    for (const [index, time] of times.entries())
      if (index > 0) expect(time - (times[index - 1] ?? 0)).toBeGreaterThan(500)
  })
})

function hearing(trigger: string) {
  return `
import { defineFunction, event } from '#runtime'
import { met, told } from './_met.ts'

export default defineFunction(${trigger}, ({ what }, { publish }) =>
  publish(met, { name: '${trigger.includes('queue') ? 'hears-one' : 'hears-each'}', what, pid: process.pid }))
`
}
