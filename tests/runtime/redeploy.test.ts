import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Partitions, partitionOfKey } from '../../runtime/jetstream/partitions.ts'
import { type CommandLine, createCommandLine, runtime } from '../support/command-line.ts'

interface WorkOptions {
  subjects?: string
  topic?: string
  config?: string
  batch?: number
  isPartitioned?: boolean
}

const work = (
  name: string,
  { subjects, topic, config = '', batch = 10, isPartitioned = false }: WorkOptions = {},
) => `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const works = {
  stream: '${name}',
  subjects: ['${name}.${subjects ?? '*'}'],
  partitioned: ${isPartitioned},
  config: { ${config} },
}
const work = { subject: '${name}.${topic ?? '{id}'}', data: v.object({ id: v.string() }) }
const done = { subject: 'done.${name}.{id}', data: v.object({ id: v.string() }) }

export default defineFunction(stream(works, work, { batch: ${batch} }), (batch, { publish }) => {
  for (const { data } of batch) publish(done, data)
})
`
const watch = (bucket: string, declaration: string, keys = '>') => `
import * as v from 'valibot'
import { defineFunction, kvWatch } from '#runtime'

const bucket = { bucket: '${bucket}', value: v.string(), ${declaration} }
const changed = { subject: 'changed.${bucket}.{key}', data: v.object({ key: v.string() }) }

export default defineFunction(kvWatch(bucket, { keys: '${keys}' }), ({ key }, { publish }) =>
  publish(changed, { key }))
`
const tick = (name: string, options = '{ everyMs: 1_000 }') => `
import * as v from 'valibot'
import { defineFunction, schedule } from '#runtime'

const ticked = { subject: 'ticked.{name}', data: v.object({ name: v.string() }) }

export default defineFunction(schedule(${options}), (_, { publish }) => publish(ticked, { name: '${name}' }))
`
const keep = (name: string) => `
import * as v from 'valibot'
import { defineFunction, event } from '#runtime'

const kept = { stream: '${name}', subjects: ['${name}.*'] }

export default defineFunction(event({ subject: 'keep', data: v.object({}) }), () => {}, { resources: [kept] })
`
const idle = `
import * as v from 'valibot'
import { defineFunction, event } from '#runtime'

export default defineFunction(event({ subject: 'idle', data: v.object({}) }), () => {})
`

describe('a redeployment', () => {
  let bench: CommandLine
  let nc: NatsConnection

  beforeAll(async () => {
    bench = await createCommandLine()
    nc = await bench.connect()
  })
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]()
  })

  const newName = () => `R-${crypto.randomUUID()}`
  const streamConfig = async (name: string) =>
    (await (await jetstreamManager(nc)).streams.info(name)).config

  async function redeploy(first: Record<string, string>, second: Record<string, string>) {
    await (await bench.start(await bench.write(first))).stop()
    return bench.start(await bench.write(second))
  }

  async function failToStart(files: Record<string, string>) {
    const env = { NATS_URL: bench.nats.urlOf('functions') }
    const { code, stderr } = await runtime(['start', await bench.write(files)], { env })
    expect(code).toBe(1)
    return stderr
  }

  it('updates the stream and its consumer if subjects, topic, batch and max_age have changed', async () => {
    const name = newName()
    const done = nc.subscribe(`done.${name}.*`, { max: 1 })
    const served = await redeploy(
      { 'work.ts': work(name, { config: 'max_age: 3600e9' }) },
      {
        'work.ts': work(name, {
          subjects: '*.new',
          topic: '{id}.new',
          batch: 200,
          config: 'max_age: 60e9',
        }),
      },
    )

    expect(await streamConfig(name)).toMatchObject({
      subjects: [`${name}.*.new`],
      max_age: 60e9,
      duplicate_window: 60e9,
    })
    const { config } = await (await jetstreamManager(nc)).consumers.info(name, 'work')
    expect(config).toMatchObject({ filter_subject: `${name}.*.new`, max_ack_pending: 4_000 })
    expect(served.log.tail(100)).toContain('max_age is 3600000000000, not 60000000000')
    await jetstream(nc).publish(`${name}.one.new`, '{}')
    for await (const { subject } of done) expect(subject).toBe(`done.${name}.one`)
  })

  it.each([
    ['zero', 'NATS_REPLICAS is "zero": use a number from 1 to 5'],
    ['6', 'NATS_REPLICAS is "6": use a number from 1 to 5'],
    ['3', 'several replicas need a cluster of nats-servers: leave NATS_REPLICAS unset'],
  ])('fails on a single server if NATS_REPLICAS is %s', async (NATS_REPLICAS, reason) => {
    const name = newName()
    await (await bench.start(await bench.write({ 'keep.ts': keep(name) }))).stop()
    for (const stream of [name, newName()]) {
      const env = { NATS_URL: bench.nats.urlOf('functions'), NATS_REPLICAS }
      const folder = await bench.write({ 'keep.ts': keep(stream) })
      const { code, stderr } = await runtime(['start', folder], { env })

      expect(code).toBe(1)
      expect(stderr).toContain(reason)
    }
  })

  it('fails if NATS_PARTITIONS is 33, which is above the maximum of 32', async () => {
    const env = { NATS_URL: bench.nats.urlOf('functions'), NATS_PARTITIONS: '33' }
    const { code, stderr } = await runtime(['start', await bench.write({ 'idle.ts': idle })], {
      env,
    })

    expect(code).toBe(1)
    expect(stderr).toContain('NATS_PARTITIONS is "33": use a number from 1 to 32, such as 4')
  })

  it('fails if the number of partitions has changed since the stream and the bucket were created', async () => {
    const [name, bucket] = [newName(), newName()]
    const folder = await bench.write({
      'work.ts': work(name, { isPartitioned: true }),
      'watch.ts': watch(bucket, 'partitioned: true'),
    })
    const handled = new Set<string>()
    for (const subject of [`done.${name}.*`, `changed.${bucket}.*`])
      nc.subscribe(subject, { callback: (_, message) => void handled.add(message.subject) })
    const served = await bench.start(folder, [], { NATS_PARTITIONS: '3' })
    const works = { stream: name, subjects: [`${name}.*`], partitioned: true }
    const partitions = new Partitions(3, [works])
    const buckets = await Promise.all(
      [bucket, `${bucket}_1`, `${bucket}_2`].map((each) => new Kvm(nc).open(each)),
    )
    const ids = Array.from({ length: 9 }, (_, n) => `n${n}`)
    for (const id of ids) {
      await jetstream(nc).publish(partitions.route(`${name}.${id}`).subject, '{}')
      await buckets[partitionOfKey(id, 3)]?.put(id, '"a value"')
    }
    await expect
      .poll(() => handled)
      .toEqual(new Set(ids.flatMap((id) => [`done.${name}.${id}`, `changed.${bucket}.${id}`])))
    await served.stop()

    for (const NATS_PARTITIONS of ['', '4']) {
      const env = { NATS_URL: bench.nats.urlOf('functions'), NATS_PARTITIONS }
      const { code, stderr } = await runtime(['start', folder], { env })

      expect(code).toBe(1)
      expect(stderr).toContain(`${name} was created with 3: the number cannot be changed later`)
      expect(stderr).toContain('Set NATS_PARTITIONS to 3')
    }
  })

  it('with a changed topic lets only processes of the newer version handle new messages', async () => {
    const name = newName()
    const ids = Array.from({ length: 20 }, (_, n) => `n${n}`)
    const done = nc.subscribe(`done.${name}.*`)
    const received = new Set<string>()
    for (const topic of ['{id}.old', 'new.{id}'])
      await bench.start(await bench.write({ 'work.ts': work(name, { subjects: '>', topic }) }))
    for (const id of ids) await jetstream(nc).publish(`${name}.new.${id}`, '{}')

    for await (const { subject } of done)
      if (received.add(subject.slice(`done.${name}.`.length)).size === ids.length) break
    expect([...received].toSorted()).toEqual(ids.toSorted())
    const state = async () => (await nc.request('fn.work')).json()
    await expect.poll(state).toMatchObject({ pending: 0, unacknowledged: 0 })
  })

  it('with a longer max_age restores the duplicate window that a short max_age had limited', async () => {
    const name = newName()
    await redeploy(
      { 'work.ts': work(name, { config: 'max_age: 60e9' }) },
      { 'work.ts': work(name, { config: 'max_age: 3600e9' }) },
    )
    expect(await streamConfig(name)).toMatchObject({ max_age: 3600e9, duplicate_window: 120e9 })
  })

  it('leaves streams and consumers as they are if nothing has changed', async () => {
    const name = newName()
    const files = {
      'work.ts': work(name, {
        config: `max_age: 3600e9, republish: { src: '${name}.>', dest: 'log.${name}.>' }, discard: 'new'`,
      }),
      'watch.ts': watch(newName(), 'ttlMs: 60_000, markerTtlMs: 1_000'),
      'tick.ts': tick('steady', "{ cron: '0 0 0 1 1 *' }"),
    }
    const served = await redeploy(files, files)
    expect(served.log.tail(100)).not.toContain('changed declaration')
  })

  it('updates the bucket and its consumer if TTLs, history and keys have changed', async () => {
    const bucket = newName()
    const changed = nc.subscribe(`changed.${bucket}.*`)
    await redeploy(
      { 'watch.ts': watch(bucket, 'ttlMs: 3_600_000', 'old.*') },
      { 'watch.ts': watch(bucket, 'ttlMs: 1_000, markerTtlMs: 2_000, history: 5', 'new.*') },
    )

    expect(await streamConfig(`KV_${bucket}`)).toMatchObject({
      max_age: 1e9,
      max_msgs_per_subject: 5,
      subject_delete_marker_ttl: 2e9,
      allow_msg_ttl: true,
    })
    await (await jetstreamManager(nc)).consumers.info(`KV_${bucket}`, 'watch')
    changed.unsubscribe()
  })

  it('with a smaller maximum size makes the bucket evict its oldest entries', async () => {
    const bucket = newName()
    await redeploy(
      { 'watch.ts': watch(bucket, 'maxBytes: 1_000_000') },
      { 'watch.ts': watch(bucket, 'maxBytes: 10_000') },
    )
    const kv = await new Kvm(jetstream(nc)).open(bucket)

    for (let key = 0; key < 30; key++) await kv.put(`key-${key}`, JSON.stringify('x'.repeat(1_000)))

    expect(await kv.get('key-0')).toBeNull()
    expect((await kv.get('key-29'))?.json()).toBe('x'.repeat(1_000))
  })

  it("removes the TTL of a bucket's delete markers if the new declaration has none", async () => {
    const bucket = newName()
    await redeploy(
      { 'watch.ts': watch(bucket, 'ttlMs: 60_000, markerTtlMs: 2_000') },
      { 'watch.ts': watch(bucket, 'ttlMs: 60_000') },
    )
    expect((await streamConfig(`KV_${bucket}`)).subject_delete_marker_ttl ?? 0).toBe(0)
    await (await new Kvm(jetstream(nc)).open(bucket)).put('key', '"value"')
  })

  it('fails if the server cannot update a changed field, and the error names the difference and the remedy', async () => {
    const [name, bucket] = [newName(), newName()]
    await (
      await bench.start(await bench.write({ 'work.ts': work(name), 'watch.ts': watch(bucket, '') }))
    ).stop()

    const onStream = await failToStart({ 'work.ts': work(name, { config: "storage: 'memory'" }) })
    expect(onStream).toContain(`stream ${name} is not as declared, and cannot be updated`)
    expect(onStream).toContain('storage is "file", not "memory"')
    expect(onStream).toContain(`nats stream rm ${name}`)
    const onBucket = await failToStart({ 'watch.ts': watch(bucket, "storage: 'memory'") })
    expect(onBucket).toContain(`bucket ${bucket} is not as declared, and cannot be updated`)
    expect(onBucket).toContain(`nats stream rm KV_${bucket}`)
    await (await jetstreamManager(nc)).consumers.delete(name, 'work')
    await (await jetstreamManager(nc)).consumers.add(name, {
      durable_name: 'work',
      deliver_policy: 'new',
      ack_policy: 'explicit',
    })
    const onConsumer = await failToStart({ 'work.ts': work(name) })
    expect(onConsumer).toContain(`consumer work of ${name} is not as declared`)
    expect(onConsumer).toContain('deliver_policy is "new", not "all"')
    expect(onConsumer).toContain(`nats consumer rm ${name} work`)
  })

  it('fails if two files declare the same stream differently, and the error names both files', async () => {
    const name = newName()
    const stderr = await failToStart({
      'one.ts': work(name, { config: 'max_msgs: 5' }),
      'two.ts': work(name, { config: 'max_msgs: 6' }),
    })
    expect(stderr).toContain(`it declares the stream ${name} differently from one.ts`)
  })

  it('cancels a removed schedule, but not the schedules that other processes serve', async () => {
    await bench.start(await bench.write({ 'tick.kept.ts': tick('kept') }))
    const served = await redeploy({ 'tick.removed.ts': tick('removed') }, { 'idle.ts': idle })

    const line = await served.log.line(/schedule cancelled/, { from: 0 })
    expect(JSON.parse(line)).toMatchObject({ service: 'tick-removed' })
    const { streams, consumers } = await jetstreamManager(nc)
    const ofRemoved = { subjects_filter: '*.tick-removed' }
    expect((await streams.info('SCHEDULES', ofRemoved)).state.subjects ?? {}).toEqual({})
    await expect(consumers.info('SCHEDULES', 'tick-removed')).rejects.toThrow('not found')
    const ticked = nc.subscribe('ticked.*', { max: 2 })
    for await (const { subject } of ticked) expect(subject).toBe('ticked.kept')
  })

  it('updates the schedule if its interval has changed', async () => {
    const ticked = nc.subscribe('ticked.faster', { max: 2 })
    await redeploy(
      { 'faster.ts': tick('faster', '{ everyMs: 3_600_000 }') },
      { 'faster.ts': tick('faster') },
    )
    for await (const { subject } of ticked) expect(subject).toBe('ticked.faster')
  })

  it('is not undone by a process of the older version that reconnects', async () => {
    const [name, extra] = [newName(), newName()]
    const { streams } = await jetstreamManager(nc)
    const older = await bench.start(
      await bench.write({
        'work.ts': work(name, { config: 'max_msgs: 100' }),
        'extra.ts': keep(extra),
        'steady.ts': tick('steady', "{ cron: '0 0 0 1 1 *' }"),
      }),
    )
    await bench.start(await bench.write({ 'work.ts': work(name, { config: 'max_msgs: 200' }) }))
    await streams.delete(extra)
    await streams.purge('SCHEDULES', { filter: 'schedule.steady' })
    const from = older.log.end()
    await bench.nats.restart()

    // The older process logs this after it has reconnected and checked its streams and schedules.
    await older.log.line(new RegExp(`"stream ${extra}","msg":"lost, created again empty"`), {
      from,
      within: 20_000,
    })
    const filter = { subjects_filter: 'schedule.steady' }
    const stored = async () => (await streams.info('SCHEDULES', filter)).state.subjects
    await expect.poll(stored).toEqual({ 'schedule.steady': 1 })
    expect(await streamConfig(name)).toMatchObject({ max_msgs: 200 })
  }, 60_000)
})
