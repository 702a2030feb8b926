import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const worker = (stream: string, config = '') => `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const jobs = { stream: '${stream}', subjects: ['${stream}.*'], config: { ${config} } }
const job = { subject: '${stream}.{id}', data: v.object({ id: v.string(), ends: v.string() }) }
const done = { subject: 'done.${stream}.{id}', data: v.object({ id: v.string() }) }
// Number of calls in which the dependency is unavailable: more than the two retries in backoffMs.
let refusals = 3

export default defineFunction(
  stream(jobs, job, { batch: 20, backoffMs: [100, 100] }),
  async (batch, { publish }) => {
    for (const { data } of batch) {
      if (data.ends === 'thrown') throw new Error('job ' + data.id + ' is broken')
      if (data.ends === 'unavailable' && refusals-- > 0)
        throw Object.assign(new Error('no database'), { code: 'ECONNREFUSED' })
      if (data.ends === 'killed' && process.env.KILL === 'yes') process.kill(process.pid, 'SIGKILL')
    }
    for (const { data } of batch) publish(done, { id: data.id })
  },
)
`

const failing = (stream: string) => `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const jobs = { stream: '${stream}', subjects: ['${stream}.*'] }
const job = { subject: '${stream}.{id}', data: v.object({ id: v.string() }) }
const attempt = { subject: 'attempt.${stream}', data: v.object({ at: v.number() }) }

export default defineFunction(
  stream(jobs, job, { backoffMs: [300, 900] }),
  (_batch, { publish }) => {
    publish(attempt, { at: performance.timeOrigin + performance.now() })
    throw new Error('broken')
  },
)
`

describe('a stream function', () => {
  let bench: CommandLine
  let nc: NatsConnection

  beforeAll(async () => {
    bench = await createCommandLine()
    nc = await connect({ ...credentials(bench), inboxPrefix: '_INBOX' })
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  async function createFixture() {
    const stream = `jobs-${crypto.randomUUID()}`
    const functions = await bench.write({ 'work.job.ts': worker(stream) })
    const served = await bench.start(functions)
    const append = (id: string, body: unknown) =>
      jetstream(nc).publish(
        `${stream}.${id}`,
        typeof body === 'string' ? body : JSON.stringify(body),
      )
    const done = nc.subscribe(`done.${stream}.*`)
    const until = async (count: number) => {
      const ids: string[] = []
      for await (const { subject } of done)
        if (ids.push(subject.split('.')[2] ?? '') >= count) break
      return ids.toSorted()
    }
    const deadLetters = async () => {
      const jsm = await jetstreamManager(nc)
      const letters = []
      const { state } = await jsm.streams.info('DEAD_LETTERS')
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const letter = await jsm.streams.getMessage('DEAD_LETTERS', { seq })
        if (letter?.header.get('Natter-Stream') === stream)
          letters.push({
            reason: letter.header.get('Natter-Reason'),
            subject: letter.header.get('Natter-Subject'),
            body: letter.string(),
          })
      }
      return letters
    }
    return { stream, functions, served, append, until, deadLetters }
  }

  it('handles all messages of a batch except a failing one, which becomes a dead letter', async () => {
    const { stream, append, until, deadLetters } = await createFixture()
    await Promise.all([
      ...['a', 'b', 'c', 'd'].map((id) => append(id, { ends: 'well' })),
      append('broken', { ends: 'thrown' }),
    ])

    expect(await until(4)).toEqual(['a', 'b', 'c', 'd'])
    await expect
      .poll(deadLetters)
      .toEqual([
        { reason: 'job broken is broken', subject: `${stream}.broken`, body: '{"ends":"thrown"}' },
      ])
  })

  it('redelivers a failing message once after each delay in backoffMs, and then makes it a dead letter', async () => {
    const stream = `failing-${crypto.randomUUID()}`
    await bench.start(await bench.write({ 'fail.job.ts': failing(stream) }))
    const dead = nc.subscribe('dead.fail-job', { max: 1 })
    const attempts: number[] = []
    nc.subscribe(`attempt.${stream}`, {
      callback: (_error, message) => void attempts.push(message.json<{ at: number }>().at),
    })

    await jetstream(nc).publish(`${stream}.one`, '{}')

    for await (const letter of dead) expect(letter.headers?.get('Natter-Deliveries')).toBe('3')
    expect(attempts).toHaveLength(3)
    const [first = 0, second = 0, third = 0] = attempts
    expect(second - first).toBeGreaterThanOrEqual(299)
    expect(third - second).toBeGreaterThanOrEqual(899)
    const state = async () => (await nc.request('fn.fail.job')).json()
    await expect.poll(state).toMatchObject({ pending: 0, unacknowledged: 0 })
  })

  it('makes malformed and invalid messages dead letters without calling the handler', async () => {
    const { append, until, deadLetters } = await createFixture()
    await append('garbled', 'not JSON')
    await append('unfit', { ends: 7 })
    await append('good', { ends: 'well' })

    expect(await until(1)).toEqual(['good'])
    const reasons = async () => (await deadLetters()).map(({ reason }) => reason)
    await expect
      .poll(reasons)
      .toEqual([
        expect.stringContaining('is not JSON'),
        expect.stringContaining('ends: Invalid type'),
      ])
  })

  it('retries a message while a dependency is unavailable, and does not make it a dead letter', async () => {
    const { append, until, deadLetters } = await createFixture()
    await append('patient', { ends: 'unavailable' })

    expect(await until(1)).toEqual(['patient'])
    expect(await deadLetters()).toEqual([])
  })

  it('replies with its state to a request on fn.{name}', async () => {
    const { append, until } = await createFixture()
    await append('one', { ends: 'well' })
    await until(1)

    const state = async () => (await nc.request('fn.work.job')).json()
    await expect.poll(state).toMatchObject({ trigger: 'stream', pending: 0, unacknowledged: 0 })
  })
})

function credentials({ nats }: CommandLine) {
  const { username, password, host } = new URL(nats.urlOf('functions'))
  return { servers: host, user: username, pass: password }
}
