import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProcessService } from '../../stack/services/service.ts'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const work = `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const works = { stream: 'WORKS', subjects: ['work.*'], config: { storage: 'memory' } }
const work = { subject: 'work.{id}', data: v.object({ id: v.string() }) }
const done = { subject: 'done.{id}', data: v.object({ id: v.string() }) }

export default defineFunction(stream(works, work), (batch, { publish }) => {
  for (const { data } of batch) publish(done, data)
})
`

/** A function that is not served before the file `go` exists in its folder. */
const held = `
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction, event } from '#runtime'

const held = { subject: 'held', data: v.object({}) }

export default defineFunction(event(held), () => {}, {
  async beforeServe() {
    writeFileSync(import.meta.dirname + '/reached', '')
    while (!existsSync(import.meta.dirname + '/go')) await setTimeout(20)
  },
})
`
const watch = (bucket: string) => `
import * as v from 'valibot'
import { defineFunction, kvWatch } from '#runtime'

const bucket = { bucket: '${bucket}', value: v.string(), maxBytes: 1_048_576 }

export default defineFunction(kvWatch(bucket, { keys: '>' }), () => {})
`
/** The outage is longer than a JetStream request waits for its reply, so such a request fails. */
const outageMs = 6_000

describe('a function that reads a stream or a bucket', { timeout: 60_000 }, () => {
  let bench: CommandLine
  let runtime: ProcessService
  let nc: NatsConnection

  beforeAll(async () => {
    bench = await createCommandLine()
    runtime = await bench.start(await bench.write({ 'work.ts': work }))
    nc = await bench.connect()
  })
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]()
  })

  it.each([
    [
      'a restart of the server, which loses streams in memory',
      async () => {
        await bench.nats.kill('SIGKILL')
        await bench.nats.restart()
      },
    ],
    [
      'the deletion of its stream',
      async () => {
        await (await jetstreamManager(nc)).streams.delete('WORKS')
      },
    ],
    [
      'the deletion of its consumer',
      async () => {
        await (await jetstreamManager(nc)).consumers.delete('WORKS', 'work')
      },
    ],
  ])('handles new messages without a restart after %s', async (_, lose) => {
    const from = runtime.log.end()
    const id = crypto.randomUUID()
    const done = nc.subscribe(`done.${id}`, { max: 1 })

    await lose()
    await runtime.log.line(/"level":40.*"consumer lost, recreating"/, { from, within: 20_000 })
    const store = () =>
      jetstream(nc).publish(`work.${id}`, JSON.stringify({ id }), { timeout: 500 }).catch(String)
    await expect.poll(store, { timeout: 20_000 }).toMatchObject({ stream: 'WORKS' })

    expect(await Array.fromAsync(done)).toHaveLength(1)
  })

  it('is served even if the server is killed during the start and restarts later', async () => {
    const folder = await bench.write({ 'held.ts': held, 'works.ts': work })
    const starting = bench.start(folder)
    await expect.poll(() => existsSync(join(folder, 'reached')), { timeout: 20_000 }).toBe(true)

    await bench.nats.kill('SIGKILL')
    await writeFile(join(folder, 'go'), '')
    await delay(outageMs)
    await bench.nats.restart()

    const { log } = await starting
    expect(log.tail(100)).toContain('JetStream unavailable, retrying')
  })

  it('is served by several processes that create its bucket at the same time', async () => {
    const bucket = `B-${crypto.randomUUID()}`
    const folder = await bench.write({ 'watch.ts': watch(bucket) })

    await Promise.all(Array.from({ length: 4 }, () => bench.start(folder)))

    const { config } = await (await jetstreamManager(nc)).streams.info(`KV_${bucket}`)
    expect(config).toMatchObject({ max_bytes: 1_048_576, discard: 'old' })
  })
})
