import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequester, type Requester } from '#runtime/client'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const slow = (subject: string, options: string) => `
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction } from '#runtime'

export default defineFunction(
  { subject: '${subject}', audience: ['everyone'], input: v.strictObject({}), output: v.object({}) },
  async () => {
    await setTimeout(500)
    return {}
  },
  ${options},
)
`

describe('a slow function', { timeout: 60_000 }, () => {
  let bench: CommandLine
  let nc: NatsConnection
  let requester: Requester

  beforeAll(async () => {
    bench = await createCommandLine()
    const limit = '{ max: 3, windowMs: 60_000 }'
    const folder = await bench.write({
      'limited.ts': slow('limited', `{ concurrency: 2, maxQueued: 20, limit: ${limit} }`),
      'single.ts': slow('single', '{ concurrency: 1, maxQueued: 20 }'),
      'short.ts': slow('short', '{ concurrency: 2, maxQueued: 4 }'),
      'shared.ts': slow(
        'shared',
        '{ concurrency: 3, perCaller: { concurrency: 1, maxQueued: 1 } }',
      ),
    })
    await bench.start(folder)
    nc = await bench.connect()
    requester = createRequester(nc)
  })
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]()
  })

  /** Returns `{caller} {code}` for each call, in the order of the answers. */
  async function callAll(subject: string, callers: string[]): Promise<string[]> {
    const answers: string[] = []
    const unique = crypto.randomUUID()
    const calls = callers.map(async (caller) => {
      const options = { timeoutMs: 20_000 }
      const reply = await requester.request(`as.${caller}-${unique}.${subject}`, '', options)
      answers.push(`${caller} ${reply.json<{ code?: string }>().code ?? 'ok'}`)
    })
    await Promise.all(calls)
    return answers
  }
  const times = (count: number, caller: string) => Array.from({ length: count }, () => caller)

  it('rejects the calls of a caller above the limit without delay, while it serves another caller', async () => {
    const answers = await callAll('limited', [...times(30, 'alice'), 'bob'])

    const rejected = answers.slice(0, 27)
    expect(new Set(rejected)).toEqual(new Set(['alice rate_limited', 'alice overloaded']))
    expect(answers.slice(27, 29).toSorted()).toEqual(['alice ok', 'bob ok'])
    expect(answers.slice(29)).toEqual(['alice ok', 'alice ok'])
  })

  it('serves the waiting callers in turn, however many calls each of them has queued', async () => {
    const callers = [...times(3, 'alice'), ...times(2, 'bob'), 'carol']

    const answers = await callAll('single', callers)

    const order = ['alice', 'bob', 'carol', 'alice', 'bob', 'alice']
    expect(answers).toEqual(order.map((caller) => `${caller} ok`))
  })

  it('lets one caller fill only half of the queue, and keeps the rest for other callers', async () => {
    const answers = await callAll('short', [...times(8, 'alice'), 'bob', 'bob'])

    expect(answers.slice(0, 5)).toEqual(times(5, 'alice overloaded'))
    expect(answers.slice(5).toSorted()).toEqual([...times(3, 'alice ok'), 'bob ok', 'bob ok'])
  })

  it('limits the running and queued calls of a caller to the numbers in perCaller', async () => {
    const answers = await callAll('shared', [...times(3, 'alice'), 'bob', 'carol'])

    expect(answers[0]).toBe('alice overloaded')
    expect(answers.slice(1, 4).toSorted()).toEqual(['alice ok', 'bob ok', 'carol ok'])
    expect(answers.slice(4)).toEqual(['alice ok'])
  })
})
