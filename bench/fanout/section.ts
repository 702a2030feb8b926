import { join } from 'node:path'
import { startFixture, withoutDatabase } from '../fixture.ts'
import type { LoopResult } from '../loop.ts'
import {
  goalLine,
  type Line,
  measureRounds,
  type Options,
  rowLines,
  type Sample,
  type Samples,
  type Section,
  takeSample,
} from '../measure.ts'
import { openRoomIndex } from '../room-index.ts'
import { type RoomName, userOf } from './room.ts'
import type { ConnectOptions } from './subscribers.ts'

const module = new URL('subscribers.ts', import.meta.url)

const base = 'bare multicast'
const each = 'bare publish to each'
const fetched = 'notify, then fetch from KV'
const publicRoom = 'Natter, public room'
const privateRoom = 'Natter, private room'
const stalled = 'Natter, public room, one stalled reader'
const rows: Record<string, RoomName> = {
  [base]: 'multicast',
  [each]: 'each',
  [fetched]: 'fetched',
  [publicRoom]: 'public',
  [privateRoom]: 'private',
}
const sizes = [100, 1_000, 5_000]
const stallMs = 300_000

export async function measureFanOut(options: Options): Promise<Section[]> {
  const lines: Line[] = []
  const goals: Line[] = []
  // A quick run omits the largest room, because its users take long to connect.
  const isQuick = options.rounds < 3
  for (const size of isQuick ? sizes.slice(0, 2) : sizes) {
    const samples = await measureRoom(size, options)
    const suffix = `, room of ${size.toLocaleString('en')}`
    lines.push(...rowLines(samples, base, suffix))
    const addGoal = (row: string, against: string, title: string, must: number) =>
      goals.push(
        goalLine(samples, { title: title + suffix, row, base: against, figure: 'p50', must }),
      )
    if (size < 1_000) continue
    addGoal(publicRoom, base, 'public ÷ bare multicast', 1.2)
    addGoal(publicRoom, fetched, 'public ÷ fetched from KV', 0.3)
    addGoal(privateRoom, each, 'private ÷ bare publish to each', 1.3)
    addGoal(stalled, publicRoom, 'public with one stalled reader ÷ without', 1.2)
  }
  return [
    {
      title: 'A message until the last delivery: deliveries, time, processor time per message',
      lines: [...lines, ...goals],
    },
  ]
}

async function measureRoom(size: number, options: Options): Promise<Samples> {
  await using fixture = await startFixture()
  const { url } = fixture
  const baselines = await fixture.startWorker(module)
  await baselines.call('serve', { url, subscriberCount: size })
  await fixture.serve(join(import.meta.dirname, '..', 'send', 'functions'), {
    ...withoutDatabase,
    RATE_LIMIT_FACTOR: '100000',
  })
  const { nc, readCpu } = await fixture.connect()
  const index = await openRoomIndex(nc)
  await index.markComplete()
  for (const kind of ['public', 'private'] as const) {
    const memberCount = kind === 'public' ? 1 : size
    const members = Array.from({ length: memberCount }, (_, number) => userOf(kind, number))
    await index.addRoom(kind, kind, members)
  }

  const users = await connectUsers(Object.values(rows), size)
  for (const room of Object.values(rows)) await users.call('send', { room, count: 20 })
  if (size > 200) await users.call('encrypt')
  const stalledUser = await connectUsers(['public'], 1)
  const count = Math.max(5, Math.round((options.seconds * 20_000) / (size + 200)))

  const measure = async (row: string): Promise<Sample> => {
    const isBaseline = row === base || row === each || row === fetched
    const room = rows[row === stalled ? publicRoom : row]
    const sample = await takeSample(
      () => (isBaseline ? baselines.call<number>('cpu') : readCpu()),
      () => users.call<LoopResult>('send', { room, count }),
    )
    return { ...sample, rate: sample.rate * size }
  }
  const samples = await measureRounds(Object.keys(rows), options, measure)
  // The stalled user cannot be resumed, so the row with this user is measured last.
  await stalledUser.call('stall', stallMs)
  const withStalled = await measureRounds([stalled], options, measure)
  return new Map([...samples, ...withStalled])

  async function connectUsers(rooms: readonly RoomName[], subscriberCount: number) {
    const worker = await fixture.startWorker(module)
    const webSocketUrl = url.replace(/:\d+$/, `:${fixture.nats.ports.webSocket}`)
    const connectOptions: ConnectOptions = { url: webSocketUrl, rooms, subscriberCount }
    await worker.call('connect', connectOptions)
    return worker
  }
}
