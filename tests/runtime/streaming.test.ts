import { headers } from '@nats-io/nats-core'
import type { NatsConnection } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, createClient } from '#runtime/client'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const contracts = {
  count: {
    subject: 'count.{id}',
    audience: ['everyone'],
    input: v.strictObject({ id: v.string(), to: v.number(), ends: v.optional(v.string()) }),
    chunk: v.object({ number: v.number() }),
    output: v.object({ sum: v.number() }),
    errors: ['conflict'],
  },
  wait: {
    subject: 'wait.{id}',
    audience: ['everyone'],
    input: v.strictObject({ id: v.string() }),
    output: v.object({}),
  },
} as const

const count = `
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction, FunctionError } from '#runtime'

const contract = {
  subject: 'count.{id}',
  audience: ['everyone'],
  input: v.strictObject({ id: v.string(), to: v.number(), ends: v.optional(v.string()) }),
  chunk: v.object({ number: v.number() }),
  output: v.object({ sum: v.number() }),
}
const began = { subject: 'began.{id}', data: v.object({ id: v.string() }) }
const aborted = { subject: 'aborted.{id}', data: v.object({ id: v.string(), why: v.string() }) }

export default defineFunction(contract, async function* ({ id, to, ends }, { publish, signal }) {
  signal.addEventListener('abort', () => publish(aborted, { id, why: signal.reason.code }))
  publish(began, { id })
  let sum = 0
  for (let number = 1; number <= to; number++) {
    if (to > 100) await setTimeout(20)
    yield { number: ends === 'unfit' && number === 2 ? 'two' : number }
    sum += number
  }
  if (ends === 'rejected') throw new FunctionError('conflict', 'It ended')
  return { sum }
})
`
const wait = `
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = { subject: 'wait.{id}', audience: ['everyone'], input: v.strictObject({ id: v.string() }), output: v.object({}) }
const began = { subject: 'began.{id}', data: v.object({ id: v.string() }) }
const aborted = { subject: 'aborted.{id}', data: v.object({ id: v.string(), why: v.string() }) }

export default defineFunction(contract, async ({ id }, { publish, signal }) => {
  publish(began, { id })
  await setTimeout(60_000, undefined, { signal }).catch(() => publish(aborted, { id, why: signal.reason.code }))
  return {}
}, { concurrency: 2 })
`

describe('a call of a function with a streamed answer', { timeout: 60_000 }, () => {
  let bench: CommandLine
  let nc: NatsConnection
  let alice: Client<typeof contracts>

  beforeAll(async () => {
    bench = await createCommandLine()
    await bench.start(await bench.write({ 'count.ts': count, 'wait.ts': wait }))
    nc = await bench.connect()
    alice = createClient(nc, { contracts, user: 'alice' })
  })
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]()
  })

  const newId = () => crypto.randomUUID()
  async function abortOf(id: string): Promise<unknown> {
    for await (const message of nc.subscribe(`aborted.${id}`, { max: 1 })) return message.json()
  }
  async function beginningOf(id: string) {
    for await (const _ of nc.subscribe(`began.${id}`, { max: 1 })) return
  }

  it('rejects the option repeatAfterMs, because the parts of two runs would mix', async () => {
    const input = { id: newId(), to: 1 }
    await expect(alice.call('count', input, { repeatAfterMs: 20 })).rejects.toThrow(
      /streamed answer: call it without repeatAfterMs/,
    )
  })

  it('receives the parts of the answer in order, and then the final answer', async () => {
    const stream = alice.stream('count', { id: newId(), to: 100 })

    const numbers = (await Array.fromAsync(stream)).map(({ number }) => number)

    expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    expect(await stream.output).toEqual({ sum: 5050 })
  })

  it('receives only the final answer if the caller does not stream', async () => {
    expect(await alice.call('count', { id: newId(), to: 3 })).toEqual({ sum: 6 })
  })

  it.each([
    ['rejected', 'conflict', 3],
    ['unfit', 'internal', 1],
  ])('receives the parts that were sent before an error: %s', async (ends, code, expected) => {
    const numbers: number[] = []
    const read = async () => {
      for await (const { number } of alice.stream('count', { id: newId(), to: 3, ends }))
        numbers.push(number)
    }

    await expect(read()).rejects.toMatchObject({ code })
    expect(numbers).toHaveLength(expected)
  })

  it('is counted in the statistics with the time until the first part', async () => {
    await alice.call('count', { id: newId(), to: 3 })

    const stats = (await nc.request('$SRV.STATS.count')).json<{ endpoints: { data: object }[] }>()

    expect(stats.endpoints[0]?.data).toMatchObject({ first_chunk_p50_ms: expect.any(Number) })
  })

  it('cancels the function when the loop over the parts ends early', async () => {
    const id = newId()
    const aborted = abortOf(id)

    for await (const { number } of alice.stream('count', { id, to: 10_000 }))
      if (number === 3) break

    expect(await aborted).toEqual({ why: 'cancelled' })
  })

  it("cancels the function when the caller's signal aborts, even before the function runs", async () => {
    const [running, waiting, next] = [newId(), newId(), newId()]
    const [aborted, began, begins] = [abortOf(running), beginningOf(running), beginningOf(next)]
    const stop = new AbortController()
    const call = (id: string) => alice.call('wait', { id }, { signal: stop.signal }).catch(codeOf)
    const calls = [call(running)]
    await began
    calls.push(call(waiting))
    await nc.flush()

    stop.abort()

    expect(await Promise.all(calls)).toEqual(['cancelled', 'cancelled'])
    expect(await aborted).toEqual({ why: 'cancelled' })
    const after = new AbortController()
    const last = alice.call('wait', { id: next }, { signal: after.signal }).catch(codeOf)
    await begins
    after.abort()
    await last
  })

  it('cannot be cancelled by another user', async () => {
    const id = newId()
    const token = 'shared-token.1'
    const [began, aborted] = [beginningOf(id), abortOf(id)]
    const hdrs = headers()
    hdrs.set('Natter-Reply', token)
    nc.publish(`as.alice.wait.${id}`, '', { headers: hdrs, reply: `deliver.alice.reply.${token}` })
    await began
    let isAborted = false
    void aborted.then(() => {
      isAborted = true
    })

    nc.publish(`as.bob._CANCEL.${token}`)
    await alice.call('count', { id: newId(), to: 1 })
    expect(isAborted).toBe(false)
    nc.publish(`as.alice._CANCEL.${token}`)

    expect(await aborted).toEqual({ why: 'cancelled' })
  })

  it('cancels the function when the connection of the client closes', async () => {
    const id = newId()
    const aborted = abortOf(id)
    const own = await bench.connect()
    const bob = createClient(own, { contracts, user: 'bob' })
    for await (const _ of bob.stream('count', { id, to: 10_000 })) {
      await own.close()
      break
    }

    expect(await aborted).toEqual({ why: 'cancelled' })
  })
})

function codeOf({ code }: { code: string }) {
  return code
}
