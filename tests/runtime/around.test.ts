import { connect, type NatsConnection } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Contract } from '#runtime'
import { type Client, createClient } from '#runtime/client'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const input = v.object({ text: v.string() })
const contracts = {
  plain: { subject: 'plain', audience: ['everyone'], input, output: v.string() },
  guarded: { subject: 'guarded', audience: ['everyone'], input, output: v.string() },
  stream: {
    subject: 'stream',
    audience: ['everyone'],
    input,
    chunk: v.string(),
    output: v.number(),
  },
  async: { subject: 'set.async', audience: ['everyone'], input, output: v.string() },
} as const satisfies Record<string, Contract>

const head = `
import * as v from 'valibot'
import { defineAround, defineFunction, defineFunctions, event, FunctionError } from '#runtime'
const text = v.object({ text: v.string() })
const contract = (subject) => ({ subject, audience: ['everyone'], input: text, output: v.string() })
const told = (subject) => ({ subject, data: text })
`
const plain = `${head}
export default defineFunction(contract('plain'), ({ text }) => text)`

const guardedFolder = {
  '_around.ts': `${head}
const bucket = { bucket: 'GUARD', value: v.string() }
export default defineAround(
  async ({ function: { name }, input, context }, next) => {
    if (input.text === 'refused') throw new FunctionError('forbidden', name + ' refused ' + context.caller)
    if (input.text === 'stored') await context.kv(bucket).put('last', name)
    return name === 'stream' ? next() : '(' + (await next()) + ')'
  },
  { resources: [bucket] },
)`,
  'stream.ts': `${head}
const streamed = { ...contract('stream'), chunk: v.string(), output: v.number() }
export default defineFunction(streamed, async function* ({ text }) {
  yield* text
  return text.length
})`,
  'guarded.ts': `${head}
export default defineFunction(contract('guarded'), ({ text }, { publish }) => {
  publish(told('ran'), { text })
  return text
})`,
  'several/index.ts': `${head}
export default defineFunctions({
  'set.async': defineFunction(contract('set.async'), async ({ text }) => text),
  'set.event': defineFunction(event(told('heard')), ({ text }, { publish }) =>
    publish(told('ran'), { text })),
})`,
}

let bench: CommandLine
let nc: NatsConnection
let client: Client<typeof contracts>

beforeAll(async () => {
  bench = await createCommandLine()
  await bench.start([await bench.write({ 'plain.ts': plain }), await bench.write(guardedFolder)])
  const { username, password, host } = new URL(bench.nats.urlOf('functions'))
  nc = await connect({ servers: host, user: username, pass: password })
  client = createClient(nc, { contracts, user: 'ada' })
})
afterAll(async () => {
  await nc?.close()
  await bench?.[Symbol.asyncDispose]()
})

describe('_around.ts', () => {
  it('runs around each request handler in its folder and subfolders, but not around handlers of other folders', async () => {
    expect(await client.call('plain', { text: 'refused' })).toBe('refused')
    expect(await client.call('guarded', { text: 'a' })).toBe('(a)')
    expect(await client.call('async', { text: 'b' })).toBe('(b)')
  })

  it('rejects a call with the error that it throws, without running the handler', async () => {
    const ran: string[] = []
    nc.subscribe('ran', { callback: (_error, message) => void ran.push(message.string()) })

    await expect(client.call('guarded', { text: 'refused' })).rejects.toMatchObject({
      code: 'forbidden',
      message: 'guarded refused ada',
    })
    await client.call('guarded', { text: 'last' })

    expect(ran.map((text) => JSON.parse(text))).toEqual([{ text: 'last' }])
  })

  it('runs once around the handler of a streamed answer', async () => {
    expect(await Array.fromAsync(client.stream('stream', { text: 'abc' }))).toEqual(['a', 'b', 'c'])

    const refused = Array.fromAsync(client.stream('stream', { text: 'refused' }))
    await expect(refused).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('does not run for a call with invalid input', async () => {
    const invalid = client.call('guarded', { text: 1 } as never)

    await expect(invalid).rejects.toMatchObject({ code: 'invalid' })
  })

  it('does not run around the handler of an event', async () => {
    const ran = nc.subscribe('ran', { max: 1 })

    nc.publish('heard', JSON.stringify({ text: 'refused' }))

    for await (const message of ran) expect(message.json()).toEqual({ text: 'refused' })
  })

  it('may use the buckets that it declares', async () => {
    expect(await client.call('guarded', { text: 'stored' })).toBe('(stored)')
    expect(await client.call('async', { text: 'stored' })).toBe('(stored)')
  })
})
