import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const worker = (stopsHalfway: boolean) => `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const jobs = { stream: 'JOBS', subjects: ['jobs.*'] }
const job = { subject: 'jobs.{id}', data: v.object({ id: v.string() }) }
const done = { subject: 'done.{id}', data: v.object({ id: v.string(), pid: v.number() }) }
const stopped = { subject: 'stopped', data: v.object({ ids: v.array(v.string()), before: v.array(v.string()) }) }
const before = []

export default defineFunction(stream(jobs, job, { batch: 10 }), async (batch, { publish }) => {
  const ids = batch.map(({ data }) => data.id)
  const stops = ${stopsHalfway} && ids.length > 1
  for (const id of ids.slice(0, stops ? ids.length / 2 : undefined))
    publish(done, { id, pid: process.pid })
  if (stops) {
    publish(stopped, { ids, before })
    await new Promise(() => {})
  }
  before.push(...ids)
})
`

describe('a batch whose process is killed', () => {
  let bench: CommandLine
  let nc: NatsConnection

  beforeAll(async () => {
    bench = await createCommandLine()
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  // This test takes long, because the server redelivers a batch only after its acknowledgement
  // timeout.
  it('is redelivered to another process, with all of its messages', {
    timeout: 60_000,
  }, async () => {
    // Jobs that are stored before a consumer exists are delivered in batches.
    const jsm = await jetstreamManager(nc)
    await jsm.streams.add({ name: 'JOBS', subjects: ['jobs.*'] })
    const ids = Array.from({ length: 30 }, (_, n) => `${n}`.padStart(2, '0'))
    for (const id of ids) await jetstream(nc).publish(`jobs.${id}`, '{}')

    const done = nc.subscribe('done.*')
    const stopped = nc.subscribe('stopped', { max: 1 })
    await nc.flush()
    const killed = await bench.start(await bench.write({ 'work.ts': worker(true) }))
    const { pid } = killed
    let before: string[] = []
    let inFlight: string[] = []
    for await (const message of stopped)
      ({ before, ids: inFlight } = message.json<{ before: string[]; ids: string[] }>())
    const other = await bench.start(await bench.write({ 'work.ts': worker(false) }))
    await killed.kill('SIGKILL')

    const [doneByKilled, doneByOther] = [new Set<string>(), new Set<string>()]
    for await (const message of done) {
      const doneBy = message.json<{ pid: number }>().pid === pid ? doneByKilled : doneByOther
      doneBy.add(message.subject.slice('done.'.length))
      if (before.length + doneByOther.size === ids.length) break
    }
    const firstHalf = inFlight.slice(0, inFlight.length / 2)
    expect([...doneByKilled]).toEqual([...before, ...firstHalf])
    expect([...doneByOther].toSorted()).toEqual(ids.filter((id) => !before.includes(id)))
    expect([...doneByOther]).toEqual(expect.arrayContaining(inFlight))
    const state = async () => (await nc.request('fn.work')).json()
    await expect.poll(state).toMatchObject({ pending: 0, unacknowledged: 0 })
    expect(other.log.tail()).not.toContain('dead letter')
  })
})

const steady = `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const steps = { stream: 'STEPS', subjects: ['steps.*'] }
const step = { subject: 'steps.{id}', data: v.object({}) }
const taken = { subject: 'taken', data: v.object({ seqs: v.array(v.number()) }) }

export default defineFunction(stream(steps, step, { batch: 10 }), (batch, { publish }) => {
  publish(taken, { seqs: batch.map(({ seq }) => seq) })
})
`

describe('a process that stops under load', () => {
  it('returns to the server at once the messages that it has received but not handled', {
    timeout: 240_000,
  }, async () => {
    await using bench = await createCommandLine()
    await using nc = await bench.connect()
    const jsm = await jetstreamManager(nc)
    const js = jetstream(nc)
    const taken = new Set<number>()
    nc.subscribe('taken', {
      callback(_error, message) {
        for (const seq of message.json<{ seqs: number[] }>().seqs) taken.add(seq)
      },
    })
    const process = await bench.start(await bench.write({ 'steady.ts': steady }))
    for (let count = 0; count < 3; count++) {
      // With this acknowledgement timeout, the server would wait an hour before it redelivers
      // messages that were not returned.
      await jsm.consumers.update('STEPS', 'steady', { ack_wait: 3_600e9 })
      const { size } = taken
      let isStopped = false
      const publishing = Array.from({ length: 50 }, async (_, id) => {
        while (!isStopped) await js.publish(`steps.${id}`, '{}')
      })
      await expect.poll(() => taken.size).toBeGreaterThan(size + 100)
      await process.stop()
      isStopped = true
      await Promise.all(publishing)

      const { state } = await jsm.streams.info('STEPS')
      const consumer = await js.consumers.get('STEPS', 'steady')
      const takeRest = async () => {
        for await (const message of await consumer.fetch({ expires: 1_000 })) {
          taken.add(message.seq)
          message.ack()
        }
        return taken.size
      }
      await expect.poll(takeRest, { timeout: 40_000 }).toBe(state.messages)
      await process.restart()
    }
  })
})
