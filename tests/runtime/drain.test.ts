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
  'hears.ts': `
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction, event } from '#runtime'

const data = v.object({ id: v.string() })

export default defineFunction(
  event({ subject: 'told.{id}', data }, { queue: 'hearers' }),
  async ({ id }, { publish }) => {
    await setTimeout(Number(id) % 20)
    publish({ subject: 'heard.{id}', data }, { id })
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

  /** Many who ask, and tell, over and over, until the load is lifted. */
  function load(askers: number) {
    const lifted = new AbortController()
    const answered = new EventTarget()
    const refusals: string[] = []
    let asked = 0
    let answers = 0
    const all = Array.from({ length: askers }, async () => {
      while (!lifted.signal.aborted) {
        const id = `${asked++}`
        nc.publish(`told.${id}`)
        const outcome = await client.try('work', { id })
        if (!outcome.ok) refusals.push(outcome.error.code)
        answers++
        answered.dispatchEvent(new Event('answer'))
      }
    })
    return {
      refusals,
      /** Resolves when so many more have been answered. */
      async more(count: number) {
        const enough = answers + count
        while (answers < enough) await once(answered, 'answer')
      },
      lift: () => lifted.abort(),
      /** How many were asked in all, once the last of them is answered. */
      async ended() {
        await Promise.all(all)
        return asked
      },
    }
  }

  it('end one after another, and no call fails and no event is lost', async () => {
    const folder = await bench.write(functions)
    const config = readRuntimeConfig({ NATS_URL: bench.nats.urlOf('functions') })
    const log = pino({ level: 'silent' })
    const start = () => startRuntime({ folder, config, log })
    const [first, second, last] = [await start(), await start(), await start()]
    const heard: string[] = []
    nc.subscribe('heard.*', { callback: (_, { subject }) => void heard.push(subject) })
    await nc.flush()

    const underLoad = load(64)
    await underLoad.more(500)
    await first.stop()
    await underLoad.more(500)
    await second.stop()
    await underLoad.more(500)
    underLoad.lift()
    // What has been asked has reached the last one then; it is not done with it.
    await nc.flush()
    await last.stop()

    const asked = await underLoad.ended()
    // What it told before it ended has come here then.
    await nc.flush()
    expect(underLoad.refusals).toEqual([])
    expect(asked).toBeGreaterThan(1_500)
    expect(heard).toHaveLength(asked)
    expect(new Set(heard).size).toBe(asked)
  })
})

describe('a runtime whose server goes away', () => {
  it('ends as it was told, with nothing wrong', async () => {
    await using ground = await createLoginFixture()
    const { nats, runtime } = ground
    const ended = runtime.exited
    await nats.kill('SIGSTOP')
    const stopped = runtime.stop()
    await runtime.log.line(/"stopping"/, { from: 0 })
    await nats.kill('SIGKILL')
    await stopped

    expect(await ended).toEqual({ code: 0, signal: null })
  })
})
