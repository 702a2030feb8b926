import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, createCommandLine, runtime } from '../support/command-line.ts'

/**
 * The environment variable STORED stands for the store of the function, such as a database: it is
 * the last sequence number in this store. After a restart, it may be lower than before, as after
 * the restore of a backup. Orders whose item is `wrong` become dead letters.
 */
const billing = (id: string) => `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const orders = { stream: 'ORDERS_${id}', subjects: ['order.${id}.*'] }
const order = { subject: 'order.${id}.{item}', data: v.object({ item: v.string() }) }
const billed = { subject: 'billed.${id}', data: v.object({ seqs: v.array(v.number()) }) }

export default defineFunction(
  stream(orders, order, { storedUpTo: async () => Number(process.env.STORED), backoffMs: [] }),
  (batch, { publish }) => {
    if (batch.some(({ data }) => data.item === 'wrong')) throw new Error('this item does not exist')
    publish(billed, { seqs: batch.map(({ seq }) => seq) })
  },
)
`

describe('storedUpTo', { timeout: 60_000 }, () => {
  let bench: CommandLine
  let nc: NatsConnection
  beforeAll(async () => {
    bench = await createCommandLine()
    nc = await bench.connect()
  })
  afterAll(() => bench?.[Symbol.asyncDispose]())

  async function given(count: number) {
    const id = crypto.randomUUID().replaceAll('-', '')
    const folder = await bench.write({ 'bill.ts': billing(id) })
    const received: number[] = []
    nc.subscribe(`billed.${id}`, {
      callback: (_, message) => void received.push(...message.json<{ seqs: number[] }>().seqs),
    })
    const jsm = await jetstreamManager(nc)
    await jsm.streams.add({ name: `ORDERS_${id}`, subjects: [`order.${id}.*`] })
    const order = (item: string) =>
      jetstream(nc).publish(`order.${id}.${item}`, JSON.stringify({ item }))
    for (let n = 1; n <= count; n++) await order('pen')
    const acknowledged = async () =>
      (await jsm.consumers.info(`ORDERS_${id}`, 'bill')).ack_floor.stream_seq
    return { folder, received, order, acknowledged, stream: `ORDERS_${id}` }
  }

  it('makes the start redeliver all messages if the store has lost some', async () => {
    const { folder, received, acknowledged } = await given(3)
    const before = await bench.start(folder, [], { STORED: '0' })
    await expect.poll(() => received).toEqual([1, 2, 3])
    await expect.poll(acknowledged).toBe(3)
    await before.stop()

    const after = await bench.start(folder, [], { STORED: '2' })

    await expect.poll(() => received).toEqual([1, 2, 3, 1, 2, 3])
    expect(after.log.read(0)).toMatch(/the store lacks messages that are acknowledged/)
  })

  it('causes no redelivery if the store has all messages', async () => {
    const { folder, received, order, acknowledged } = await given(3)
    const before = await bench.start(folder, [], { STORED: '0' })
    await expect.poll(acknowledged).toBe(3)
    await before.stop()

    await bench.start(folder, [], { STORED: '3' })
    await order('book')

    await expect.poll(() => received).toEqual([1, 2, 3, 4])
  })

  it('causes no redelivery if the store lacks only dead letters', async () => {
    const { folder, received, order, acknowledged } = await given(1)
    for (const item of ['wrong', 'wrong']) await order(item)
    const before = await bench.start(folder, [], { STORED: '0' })
    await expect.poll(acknowledged).toBe(3)
    await before.stop()

    const after = await bench.start(folder, [], { STORED: '1' })
    await order('book')

    await expect.poll(() => received).toEqual([1, 4])
    expect(after.log.read(0)).not.toMatch(/the store lacks/)
  })

  it('makes the start redeliver all messages if the store lacks a message after a dead letter', async () => {
    const { folder, received, order, acknowledged } = await given(1)
    for (const item of ['wrong', 'pen']) await order(item)
    const before = await bench.start(folder, [], { STORED: '0' })
    await expect.poll(acknowledged).toBe(3)
    await before.stop()

    await bench.start(folder, [], { STORED: '1' })

    await expect.poll(() => received).toEqual([1, 3, 1, 3])
  })

  it('makes the start fail before any message is delivered if the store has a later message than the stream', async () => {
    const { folder, received, stream } = await given(3)

    const { code, stderr } = await runtime(['start', folder], {
      env: { NATS_URL: bench.nats.urlOf('functions'), STORED: '4' },
    })

    expect(code).toBe(1)
    expect(stderr).toContain(`has stored messages of ${stream} up to 4, but the stream ends at 3`)
    expect(stderr).toContain(`nats stream purge ${stream} --seq 10004`)
    expect(received).toEqual([])
  })
})
