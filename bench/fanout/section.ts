import { join } from 'node:path'
import { Kvm } from '@nats-io/kv'
import { createRequester } from '../../runtime/client/index.ts'
import { ROOMS_KV } from '../../schema/streams.ts'
import { connectTo } from '../connect.ts'
import { startFixture } from '../fixture.ts'
import {
  goalLine,
  type Line,
  measureRounds,
  type Options,
  rowLines,
  type Sample,
  type Samples,
  type Section,
} from '../measure.ts'
import { startWorker } from '../worker.ts'
import { type RowName, userOf } from './room.ts'
import type { Meeting } from './subscribers.ts'

const module = new URL('subscribers.ts', import.meta.url)

const base = 'bare multicast'
const each = 'bare publish to each'
const fetched = 'notify, then fetch from KV'
const publicRoom = 'Natter, public room'
const privateRoom = 'Natter, private room'
const stalled = 'Natter, public room, one who reads nothing'
const rows: Record<string, RowName> = {
  [base]: 'multicast',
  [each]: 'each',
  [fetched]: 'fetched',
  [publicRoom]: 'public',
  [privateRoom]: 'private',
}
const sizes = [100, 1_000, 5_000]
const stuckMs = 300_000

/** A message from when it is said until the last person in the room has it, over WebSocket. */
export async function measureFanOut(options: Options): Promise<Section[]> {
  const lines: Line[] = []
  const goals: Line[] = []
  // What is done to get people in takes longer than all else.
  const isQuick = options.rounds < 3
  for (const size of isQuick ? sizes.slice(0, 2) : sizes) {
    const samples = await measureRoom(size, options)
    const many = `, room of ${size.toLocaleString('en')}`
    lines.push(...rowLines(samples, base, many))
    const hold = (row: string, against: string, title: string, must: number) =>
      goals.push(
        goalLine(samples, row, against, 'p50', { title: title + many, must, better: 'less' }),
      )
    // In a small room most of the time is that of the log.
    if (size < 1_000) continue
    hold(publicRoom, base, 'public ÷ bare multicast', 1.2)
    hold(publicRoom, fetched, 'public ÷ fetched', 0.3)
    hold(privateRoom, each, 'private ÷ bare publish to each', 1.3)
    hold(stalled, publicRoom, 'with one who reads nothing ÷ without', 1.2)
  }
  return [
    {
      title: 'A message until the last has it: deliveries, time, processor time for each message',
      lines: [...lines, ...goals],
    },
  ]
}

async function measureRoom(size: number, options: Options): Promise<Samples> {
  await using ground = await startFixture()
  const url = ground.nats.urlOf('functions')
  const bare = ground.use(await startWorker(module))
  await bare.ask('serve', { url, hearers: size })
  await ground.serve(join(import.meta.dirname, '..', 'send', 'functions'), {
    // Nobody listens there: a message that is new is looked for in no database.
    DATABASE_URL: 'postgres://bench@127.0.0.1:1/bench',
    RATE_LIMIT_FACTOR: '100000',
  })
  const nc = await connectTo(url, 'bench')
  ground.use({ [Symbol.asyncDispose]: () => nc.close() })
  const requester = createRequester(nc)
  const index = await new Kvm(nc).open(ROOMS_KV.bucket)
  await index.put('=index', JSON.stringify({ builtAt: new Date().toISOString() }))
  for (const kind of ['public', 'private'] as const) {
    await index.put(kind, JSON.stringify({ kind, closed: false }))
    const members = kind === 'public' ? 1 : size
    for (let at = 0; at < members; at++)
      await index.put(`${kind}.${userOf(kind, at)}`, JSON.stringify({ kind, role: 'member' }))
  }

  const crowd = await open(Object.values(rows), size)
  // Node compiles what runs often.
  for (const row of Object.values(rows)) await crowd.ask('say', { row, count: 20 })
  const stuck = await open(['public'], 1)
  const count = Math.max(5, Math.round((options.seconds * 20_000) / (size + 200)))

  const cpu = async (row: string) => {
    if (row === base || row === each || row === fetched) return bare.ask<number>('cpu')
    const reply = await requester.request('bench.cpu', '{}', { timeoutMs: 30_000 })
    return reply.json<{ cpu: number }>().cpu
  }
  const measure = async (row: string): Promise<Sample> => {
    const before = await cpu(row)
    const { p50, p99, seconds } = await crowd.ask<{ p50: number; p99: number; seconds: number }>(
      'say',
      { row: rows[row === stalled ? publicRoom : row], count },
    )
    return { rate: (count * size) / seconds, p50, p99, cpu: ((await cpu(row)) - before) / count }
  }
  const samples = await measureRounds(Object.keys(rows), options, measure)
  // Last, since whoever is stuck stays so.
  await stuck.ask('stall', stuckMs)
  const withStalled = await measureRounds([stalled], options, measure)
  return new Map([...samples, ...withStalled])

  async function open(rows: readonly RowName[], hearers: number) {
    const worker = ground.use(await startWorker(module))
    const url = ground.nats.urlOf('functions').replace(/:\d+$/, `:${ground.nats.ports.webSocket}`)
    await worker.ask('meet', { url, rows, subscribers: hearers } satisfies Meeting)
    return worker
  }
}
