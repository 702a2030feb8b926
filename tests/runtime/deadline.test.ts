import { headers } from '@nats-io/nats-core'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, createClient } from '#runtime/client'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

const contracts = {
  outer: {
    subject: 'outer.{id}',
    audience: ['functions'],
    input: v.strictObject({ id: v.string(), late: v.optional(v.boolean()) }),
    output: v.object({ outer: v.number(), inner: v.number() }),
  },
} as const

const functions = {
  '_contracts.ts': `
import * as v from 'valibot'

const audience = ['functions']
const id = v.string()

export const outer = {
  subject: 'outer.{id}',
  audience,
  input: v.object({ id, late: v.optional(v.boolean()) }),
  output: v.object({ outer: v.number(), inner: v.number() }),
}
/** Its timeout is long, so that only the remaining time of the caller limits a call. */
export const inner = {
  subject: 'inner.{id}',
  audience,
  input: v.object({ id }),
  output: v.object({ deadline: v.number() }),
  timeoutMs: 60_000,
}
export const rejected = { subject: 'rejected.{id}', data: v.object({ id, code: v.string() }) }
`,
  'outer.ts': `
import { once } from 'node:events'
import { defineFunction } from '#runtime'
import { inner, outer, rejected } from './_contracts.ts'

export default defineFunction(outer, async ({ id, late }, { call, deadline, publish, signal }) => {
  if (late) await once(signal, 'abort')
  const answer = await call(inner, { id }).catch(({ code }) => publish(rejected, { id, code }))
  return { outer: deadline, inner: answer?.deadline ?? 0 }
})
`,
  'inner.ts': `
import { defineFunction } from '#runtime'
import { inner } from './_contracts.ts'

export default defineFunction(inner, (_, { deadline }) => ({ deadline }))
`,
}

describe('a function that calls another function', () => {
  let bench: CommandLine
  let nc: NatsConnection
  let client: Client<typeof contracts>

  beforeAll(async () => {
    bench = await createCommandLine()
    await bench.start(await bench.write(functions))
    const { username, password, host } = new URL(bench.nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
    client = createClient(nc, { contracts })
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
  })

  it('passes its remaining time on as the timeout of that call', async () => {
    const { outer, inner } = await client.call('outer', { id: 'a' }, { timeoutMs: 2_000 })

    // The called function counts its timeout from the arrival of the call, not from its sending. So
    // the remaining times of the two functions may differ by the time of the transfer.
    const maxTransferMs = 250
    expect(inner).toBeLessThan(outer + maxTransferMs)
    expect(inner).toBeGreaterThan(outer - maxTransferMs)
  })

  it('gets the error timeout when no time is left, without calling the other function', async () => {
    let calls = 0
    const callback = () => void calls++
    nc.subscribe('inner.late', { callback })
    const rejected = nc.subscribe('rejected.late', { max: 1 })
    await nc.flush()

    const hdrs = headers()
    hdrs.set('Natter-Timeout-Ms', '50')
    nc.publish('outer.late', '{"late":true}', { headers: hdrs })
    // If the function had called `inner.late`, that call would have arrived before this event.
    for await (const message of rejected) expect(message.json()).toEqual({ code: 'timeout' })
    expect(calls).toBe(0)
  })
})
