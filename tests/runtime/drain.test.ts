import { once } from 'node:events'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { pino } from 'pino'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, createClient } from '#runtime/client'
import { readRuntimeConfig } from '../../runtime/server/config.ts'
import { startRuntime } from '../../runtime/server/run.ts'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'
import { createLoginFixture } from '../support/login-fixture.ts'

const contracts = {
  work: {
    subject: 'work.{id}',
    audience: ['functions'],
    input: v.object({ id: v.string() }),
    output: v.object({ id: v.string() }),
  },
} as const

const functions = {
  'work.ts': `
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = {
  subject: 'work.{id}',
  audience: ['functions'],
  input: v.object({ id: v.string() }),
  output: v.object({ id: v.string() }),
}

export default defineFunction(contract, ({ id }) => setTimeout(Number(id) % 20, { id }))
`,
  'listen.ts': `
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction, event } from '#runtime'

const data = v.object({ id: v.string() })

export default defineFunction(
  event({ subject: 'news.{id}', data }, { queue: 'listeners' }),
  async ({ id }, { publish }) => {
    await setTimeout(Number(id) % 20)
    publish({ subject: 'received.{id}', data }, { id })
  },
  { maxQueued: 10_000 },
)
`,
}

describe('three runtimes under load', () => {
  let bench: CommandLine
  let nc: NatsConnection
  let client: Client<typeof contracts>

  beforeAll(async () => {
    bench = await createCommandLine()
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
    client = createClient(nc, { contracts })
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  function startLoad(clients: number) {
    const stopping = new AbortController()
    const answerEvents = new EventTarget()
    const errors: string[] = []
    let calls = 0
    let answers = 0
    const all = Array.from({ length: clients }, async () => {
      while (!stopping.signal.aborted) {
        const id = `${calls++}`
        nc.publish(`news.${id}`)
        const outcome = await client.try('work', { id })
        if (!outcome.ok) errors.push(outcome.error.code)
        answers++
        answerEvents.dispatchEvent(new Event('answer'))
      }
    })
    return {
      errors,
      async more(count: number) {
        const enough = answers + count
        while (answers < enough) await once(answerEvents, 'answer')
      },
      stop: () => stopping.abort(),
      async ended() {
        await Promise.all(all)
        return calls
      },
    }
  }

  it('can stop one after another, without a failed call or a lost event', async () => {
    const folder = await bench.write(functions)
    const config = readRuntimeConfig({ NATS_URL: bench.nats.urlOf('functions') })
    const log = pino({ level: 'silent' })
    const start = () => startRuntime({ folders: [folder], config, log })
    const [first, second, last] = [await start(), await start(), await start()]
    const received: string[] = []
    nc.subscribe('received.*', { callback: (_, { subject }) => void received.push(subject) })
    await nc.flush()

    const load = startLoad(64)
    await load.more(500)
    await first.stop()
    await load.more(500)
    await second.stop()
    await load.more(500)
    load.stop()
    // When `flush` returns, the server has passed all calls on, so `last` answers its calls before
    // it stops.
    await nc.flush()
    await last.stop()

    const calls = await load.ended()
    await nc.flush()
    expect(load.errors).toEqual([])
    expect(calls).toBeGreaterThan(1_500)
    expect(received).toHaveLength(calls)
    expect(new Set(received).size).toBe(calls)
  })
})

describe('a runtime whose nats-server becomes unavailable', () => {
  it('stops on request, with exit code 0', async () => {
    await using fixture = await createLoginFixture()
    const { nats, runtime } = fixture
    const ended = runtime.exited
    await nats.kill('SIGSTOP')
    const stopped = runtime.stop()
    await runtime.log.line(/"stopping"/, { from: 0 })
    await nats.kill('SIGKILL')
    await stopped

    expect(await ended).toEqual({ code: 0, signal: null })
  })
})
