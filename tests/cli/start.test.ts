import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { errors } from '@nats-io/nats-core'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Client, createClient } from '#runtime/client'
import { bin, type CommandLine, createCommandLine, greet } from '../support/command-line.ts'

const contracts = {
  greet: {
    subject: 'greet.{name}',
    audience: ['everyone'],
    input: v.object({ name: v.string(), takesMs: v.optional(v.number()) }),
    output: v.object({ text: v.string(), by: v.string(), pid: v.number() }),
    timeoutMs: 10_000,
  },
} as const

let bench: CommandLine
let functions: string
let nc: NatsConnection
let client: Client<typeof contracts>

beforeAll(async () => {
  bench = await createCommandLine()
  functions = await bench.write({ 'greet.ts': greet })
  const { host, username, password } = new URL(bench.nats.urlOf('functions'))
  nc = await connect({ servers: host, user: username, pass: password })
  client = createClient(nc, { contracts, user: 'ada' })
})

afterAll(async () => {
  await nc?.close()
  await bench?.[Symbol.asyncDispose]()
})

const ask = (takesMs = 0) => client.call('greet', { name: 'you', takesMs })

describe('runtime start', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'answers the calls in flight after %s, and exits with code 0',
    async (signal) => {
      await using runtime = await bench.start(functions)
      const { pid } = await ask()
      const begun = underWay(1)
      const answer = ask(500)
      await begun
      await runtime.kill(signal)

      expect(pid).toBe(runtime.pid)
      await expect(answer).resolves.toMatchObject({ text: 'hello you', by: 'ada' })
      await expect(runtime.exited).resolves.toEqual({ code: 0, signal: null })
      await expect(ask()).rejects.toMatchObject({ code: 'unavailable' })
    },
  )

  it('connects to the nats-server of `npm start` in this folder if neither --nats nor NATS_URL is set', async () => {
    const functionsUrl = bench.nats.urlOf('functions')
    const state = await bench.write({ 'stack.json': JSON.stringify({ functionsUrl }) })

    for (const args of [[], ['--instances', '2']]) {
      await using _runtime = await bench.start(functions, args, {
        NATS_URL: '',
        NATTER_STATE: state,
      })
      await expect(ask()).resolves.toMatchObject({ by: 'ada' })
    }
  })

  it('exits at once with code 130 after a second signal', async () => {
    await using runtime = await bench.start(functions)
    const begun = underWay(1)
    const answer = ask(8_000).catch((error) => error)
    await begun
    await runtime.kill('SIGTERM')
    await runtime.log.line(/"msg":"stopping"/)
    // The runtime ignores a second signal that follows the first one immediately. So the test sends
    // signals until the runtime exits.
    const insisting = setInterval(() => runtime.kill('SIGTERM'), 50)
    const exit = await runtime.exited
    clearInterval(insisting)
    client.close()
    client = createClient(nc, { contracts, user: 'ada' })

    expect(exit).toEqual({ code: 130, signal: null })
    await expect(answer).resolves.toMatchObject({ code: 'disconnected' })
  })

  it('treats two signals in immediate succession, as from one Ctrl-C, as a single signal', async () => {
    await using runtime = await bench.start(functions)
    const begun = underWay(1)
    const answer = ask(500)
    await begun
    await runtime.kill('SIGINT')
    await runtime.kill('SIGINT')

    await expect(answer).resolves.toMatchObject({ text: 'hello you' })
    await expect(runtime.exited).resolves.toEqual({ code: 0, signal: null })
  })

  it('can be stopped while it waits for an unavailable server', async () => {
    const child = spawn(process.execPath, [bin, 'start', functions], {
      env: { ...process.env, NATS_URL: 'nats://127.0.0.1:1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    child.kill('SIGTERM')

    await expect(exited).resolves.toEqual([0, null])
  })

  it('passes --name to the server as the name of its connection', async () => {
    await using _ = await bench.start(functions, ['--name', 'by-the-window'])

    const page = await fetch(`${bench.nats.monitorUrl}/connz`)
    const { connections } = (await page.json()) as { connections: { name?: string }[] }
    expect(connections.map(({ name }) => name)).toContain('by-the-window')
  })
})

describe('runtime start --instances', () => {
  it('serves the functions in several processes, and logs once that it is ready', async () => {
    await using runtime = await bench.start(functions, ['--instances', '2'])

    expect(await instances()).toHaveLength(2)
    expect(runtime.log.tail(100).match(/"msg":"ready"/g)).toHaveLength(1)
  })

  it('stops all instances, and exits with code 0', async () => {
    await using runtime = await bench.start(functions, ['--instances', '2'])
    const begun = underWay(4)
    const answers = Promise.all([ask(300), ask(300), ask(300), ask(300)])
    await begun
    await runtime.kill('SIGTERM')

    await expect(answers).resolves.toHaveLength(4)
    await expect(runtime.exited).resolves.toEqual({ code: 0, signal: null })
    expect(await instances()).toEqual([])
  })

  it('restarts an instance that dies', async () => {
    await using runtime = await bench.start(functions, ['--instances', '2'])
    const before = await instances()
    const { pid } = await ask()
    const from = runtime.log.end()
    process.kill(pid, 'SIGKILL')
    await runtime.log.line(/"msg":"instance ready"/, { from })

    const after = await instances()
    expect(after).toHaveLength(2)
    expect(after.filter((id) => before.includes(id))).toHaveLength(1)
  })

  it('leaves no instance running when the supervisor is killed', async () => {
    await using runtime = await bench.start(functions, ['--instances', '2'])
    const from = runtime.log.end()
    await runtime.kill('SIGKILL')
    await runtime.log.line(/"instance":"1".*"msg":"stopped"/, { from })
    await runtime.log.line(/"instance":"2".*"msg":"stopped"/, { from })

    expect(await instances()).toEqual([])
  })

  it('restarts the instances one by one on SIGHUP, without a failed call', async () => {
    await using runtime = await bench.start(functions, ['--instances', '3'])
    const before = await instances()
    const load = startLoad()
    await load.answered(50)
    await runtime.kill('SIGHUP')
    await runtime.log.line(/"msg":"rolling restart done"/, { within: 15_000 })
    await load.answered(50)
    const { failures, pids } = await load.stop()

    const after = await instances()
    expect(failures).toEqual([])
    expect(after).toHaveLength(3)
    expect(after.filter((id) => before.includes(id))).toEqual([])
    expect(pids.size).toBeGreaterThanOrEqual(4)
  })
})

function startLoad() {
  const failures: unknown[] = []
  const pids = new Set<number>()
  let answers = 0
  let stopping = false
  let wake = () => {}

  async function caller() {
    while (!stopping) {
      try {
        pids.add((await ask(10)).pid)
      } catch (error) {
        failures.push(error)
      }
      answers++
      wake()
    }
  }
  const callers = Array.from({ length: 8 }, caller)
  // Stops the callers even if the test fails. Otherwise they would repeat failing calls until the
  // memory is exhausted.
  onTestFinished(() => {
    stopping = true
  })

  return {
    answered(count: number): Promise<void> {
      const goal = answers + count
      return new Promise((resolve) => {
        wake = () => answers >= goal && resolve()
      })
    },
    async stop() {
      stopping = true
      await Promise.all(callers)
      return { failures, pids }
    },
  }
}

async function instances(): Promise<string[]> {
  const replies = await nc.requestMany('$SRV.PING.greet', '', { strategy: 'stall' })
  const ids: string[] = []
  try {
    for await (const reply of replies) ids.push(reply.json<{ id: string }>().id)
  } catch (error) {
    // The request has no responders if no instance runs.
    if (!(error instanceof errors.NoRespondersError)) throw error
  }
  return ids.sort()
}

async function underWay(count: number): Promise<void> {
  const begun = nc.subscribe('begun.*', { max: count })
  for await (const _ of begun);
}
