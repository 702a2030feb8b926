import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { jetstream } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, createClient } from '#runtime/client'
import { bin, type CommandLine, createCommandLine } from '../support/command-line.ts'

const contracts = {
  fault: {
    subject: 'fault.{kind}',
    audience: ['functions'],
    input: v.object({ kind: v.string() }),
    output: v.object({ pid: v.number() }),
  },
  stuck: {
    subject: 'stuck.{kind}',
    audience: ['functions'],
    input: v.object({ kind: v.string() }),
    output: v.object({ pid: v.number() }),
    timeoutMs: 300,
  },
} as const

const fault = `
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction, FunctionError } from '#runtime'

const contract = {
  subject: 'fault.{kind}',
  audience: ['functions'],
  input: v.object({ kind: v.string() }),
  output: v.object({ pid: v.number() }),
}
const begun = { subject: 'begun.{kind}', data: v.object({ kind: v.string() }) }
const cycle = {}
cycle.self = cycle
const details = {
  bigint: { count: 10n },
  cycle,
  large: 'x'.repeat(2_000_000),
  throws: { toJSON() { throw new Error('no JSON') } },
}

export default defineFunction(contract, async ({ kind }, { publish }) => {
  if (kind === 'rejection') void Promise.resolve().then(() => { throw new Error('nobody awaits this') })
  if (kind === 'exception') setTimeout(() => { throw new Error('nobody catches this') }, 1)
  if (kind === 'formless') throw Object.create(null)
  if (kind === 'slow') {
    publish(begun, { kind })
    await sleep(500)
  }
  if (kind in details) throw new FunctionError('conflict', 'It has ' + kind, { details: details[kind] })
  return { pid: process.pid }
})
`
/** The handler ends only for the kind `answers`. */
const stuck = `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = {
  subject: 'stuck.{kind}',
  audience: ['functions'],
  input: v.object({ kind: v.string() }),
  output: v.object({ pid: v.number() }),
  timeoutMs: 300,
}

export default defineFunction(
  contract,
  ({ kind }, { signal }) => {
    if (kind === 'listener') signal.addEventListener('abort', () => { throw new Error('broken listener') })
    return kind === 'answers' ? { pid: process.pid } : new Promise(() => {})
  },
  {
    concurrency: 1,
    onRejected(_reason, { params }) {
      if (params.kind === 'throws') throw new Error('broken onRejected')
      if (params.kind === 'rejects') return Promise.reject(new Error('broken async onRejected'))
    },
  },
)
`
const reads = `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const notes = { stream: 'NOTES', subjects: ['notes.*'] }
const data = v.object({ id: v.pipe(v.string(), v.transform((id) => { if (id === 'bad') throw null; return id })) })
const read = { subject: 'read.{id}', data: v.object({ id: v.string() }) }

export default defineFunction(stream(notes, { subject: 'notes.{id}', data }), (batch, { publish }) => {
  for (const { data } of batch) publish(read, data)
})
`

describe('a fault of a function', () => {
  let bench: CommandLine
  let folder: string
  let nc: NatsConnection
  let client: Client<typeof contracts>

  beforeAll(async () => {
    bench = await createCommandLine()
    folder = await bench.write({ 'fault.ts': fault, 'stuck.ts': stuck, 'reads.ts': reads })
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
    client = createClient(nc, { contracts })
  })
  afterAll(async () => {
    client?.close()
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  const call = (kind: string) => client.call('fault', { kind })

  it('that is an unhandled rejection is logged with the function, and the process continues to serve', async () => {
    await using runtime = await bench.start(folder)
    const { pid } = await call('rejection')

    const line = await runtime.log.line(/unhandled rejection/, { from: 0 })
    expect(JSON.parse(line)).toMatchObject({
      function: 'fault',
      err: { message: 'nobody awaits this', stack: expect.stringContaining('fault.ts') },
    })
    expect(await call('well')).toEqual({ pid })
  })

  it('that is an uncaught exception is logged with the function, and ends the process once its calls in flight are answered', async () => {
    await using runtime = await bench.start(folder)
    const begun = nc.subscribe('begun.slow', { max: 1 })
    const slow = call('slow')
    for await (const _ of begun) break
    const { pid } = await call('exception')

    expect(await slow).toEqual({ pid })
    expect(await runtime.exited).toEqual({ code: 1, signal: null })
    const line = await runtime.log.line(/uncaught exception/, { from: 0 })
    expect(JSON.parse(line)).toMatchObject({
      function: 'fault',
      err: { message: 'nobody catches this' },
    })
  })

  it('in a listener of the abort signal is logged with the function whose file is in the stack trace', async () => {
    await using runtime = await bench.start(folder)
    await expect(client.call('stuck', { kind: 'listener' })).rejects.toMatchObject({
      code: 'timeout',
    })

    const line = await runtime.log.line(/uncaught exception/, { from: 0 })
    expect(JSON.parse(line)).toMatchObject({
      function: 'stuck',
      err: { message: 'broken listener' },
    })
  })

  it('that is an uncaught exception makes the supervisor restart the process, even without --instances', async () => {
    using stack = new DisposableStack()
    const child = spawn(process.execPath, [bin, 'start', folder], {
      env: { ...process.env, NATS_URL: bench.nats.urlOf('functions') },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    stack.defer(() => child.kill('SIGKILL'))
    const lines: { msg: string }[] = []
    const output = createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line)))
    const logged = async (msg: string, count: number) => {
      while (lines.filter((line) => line.msg === msg).length < count) await once(output, 'line')
    }
    await logged('ready', 1)
    const { pid } = await call('exception')
    await logged('instance ready', 2)

    expect((await call('well')).pid).not.toBe(pid)
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })

  it.each(['bigint', 'cycle', 'throws', 'large'])(
    'whose error has details that cannot be sent (%s) is answered without the details',
    async (kind) => {
      await using _ = await bench.start(folder)

      const error = await call(kind).catch((reason) => reason)
      expect(error).toMatchObject({ code: 'conflict', message: `It has ${kind}` })
      expect(error.details).toBeUndefined()
    },
  )

  it('such as a thrown value that cannot be converted to a string is answered with internal', async () => {
    await using _ = await bench.start(folder)
    await expect(call('formless')).rejects.toMatchObject({ code: 'internal' })
  })

  it.each(['throws', 'rejects'])(
    'in onRejected, which %s at a timeout, is logged, and the process continues to serve',
    async (kind) => {
      await using runtime = await bench.start(folder)
      nc.publish(`stuck.${kind}`, '{}')

      const line = await runtime.log.line(/onRejected failed/, { from: 0 })
      expect(JSON.parse(line)).toMatchObject({ function: 'stuck' })
      await expect(call('well')).resolves.toEqual({ pid: runtime.pid })
    },
  )

  it('such as a handler that never ends is logged and counted once, and does not block later calls', async () => {
    await using runtime = await bench.start(folder)
    await expect(client.call('stuck', { kind: 'hangs' })).rejects.toMatchObject({ code: 'timeout' })

    const line = await runtime.log.line(/handler still running/, { from: 0, within: 25_000 })
    expect(JSON.parse(line)).toMatchObject({ function: 'stuck' })
    expect(await client.call('stuck', { kind: 'answers' })).toEqual({ pid: runtime.pid })
    const stats = (await nc.request('$SRV.STATS.stuck')).json<{ endpoints: unknown[] }>()
    expect(stats.endpoints).toMatchObject([
      { num_requests: 2, num_errors: 1, data: { in_flight: 0, timeouts: 1 } },
    ])
  }, 40_000)

  it('in a schema that throws null makes the message a dead letter, and the next message is handled', async () => {
    await using _ = await bench.start(folder)
    const dead = nc.subscribe('dead.reads', { max: 1 })
    const read = nc.subscribe('read.good', { max: 1 })
    await jetstream(nc).publish('notes.bad', '{}')
    await jetstream(nc).publish('notes.good', '{}')

    for await (const letter of dead) expect(letter.headers?.get('Natter-Reason')).toContain('null')
    for await (const { subject } of read) expect(subject).toBe('read.good')
  })
})
