import { join } from 'node:path'
import { Kvm } from '@nats-io/kv'
import { createRequester } from '../../runtime/client/index.ts'
import { ROOMS_KV } from '../../schema/streams.ts'
import { connectTo } from '../connect.ts'
import { startFixture } from '../fixture.ts'
import type { LoopResult } from '../loop.ts'
import {
  type Figure,
  goalLine,
  type Line,
  measureRounds,
  type Options,
  rowLines,
  type Sample,
  type Section,
} from '../measure.ts'
import { startWorker, type Worker } from '../worker.ts'
import type { DrawnName } from './drawn.ts'
import { isDrawn, membersOf, type RoomName } from './member.ts'

const module = new URL('worker.ts', import.meta.url)

const base = 'as drawn'
const publicRoom = 'Natter, public room'
const privateRoom = 'Natter, private room'
const rooms: Record<string, RoomName> = {
  [base]: 'drawn',
  'as drawn, lean caller': 'lean',
  [publicRoom]: 'public',
  [privateRoom]: 'private',
}
const audiences = [1, 10]

/** How many messages are under way at once, for the rate; how many a second, for the time. */
const depth = 64
const perSecond = 50

/** A message: said, acknowledged, told to everybody in the room, and fetched by each of them. */
export async function measureSends(options: Options): Promise<Section[]> {
  await using ground = await startFixture()
  const url = ground.nats.urlOf('functions')
  const startDrawn = async (name: DrawnName) => {
    const worker = ground.use(await startWorker(module))
    await worker.ask('serve', { name, url })
    return worker
  }
  const services = { drawn: await startDrawn('drawn'), lean: await startDrawn('lean') }
  // Not the whole product: what is drawn here has no part that writes to the database either.
  await ground.serve(join(import.meta.dirname, 'functions'), {
    // Nobody listens there: a message that is new is looked for in no database.
    DATABASE_URL: 'postgres://bench@127.0.0.1:1/bench',
    // The limit is on, and far away.
    RATE_LIMIT_FACTOR: '100000',
  })
  const nc = await connectTo(url, 'bench')
  ground.use({ [Symbol.asyncDispose]: () => nc.close() })
  const requester = createRequester(nc)
  const memberships = await new Kvm(nc).open(ROOMS_KV.bucket)

  await memberships.put('=index', JSON.stringify({ builtAt: new Date().toISOString() }))

  async function cpuOf(room: RoomName) {
    if (isDrawn(room)) return services[room].ask<number>('cpu')
    const reply = await requester.request('bench.cpu', '{}', { timeoutMs: 5_000 })
    return reply.json<{ cpu: number }>().cpu
  }

  async function measure(room: RoomName, load: Worker): Promise<Sample> {
    const { seconds } = options
    const before = await cpuOf(room)
    const { count, seconds: took } = await load.ask<LoopResult>('run', { depth, seconds })
    const cpu = ((await cpuOf(room)) - before) / count
    const trickle = { perSecond, seconds: Math.max(0.5, seconds) }
    const times = await load.ask<Pick<Sample, 'p50' | 'p99'>>('trickle', trickle)
    return { rate: count / took, ...times, cpu }
  }

  async function fill(id: string, kind: RoomName, people: string[]) {
    await memberships.put(id, JSON.stringify({ kind, closed: false }))
    for (const user of people)
      await memberships.put(`${id}.${user}`, JSON.stringify({ kind, role: 'member' }))
  }

  const lines: Line[] = []
  const goals: Line[] = []
  for (const listeners of audiences) {
    const loads = new Map<string, Worker>()
    for (const [name, room] of Object.entries(rooms)) {
      if (!isDrawn(room)) await fill(`${room}-${listeners}`, room, membersOf(room, listeners))
      const load = ground.use(await startWorker(module))
      await load.ask('meet', { url, room, listeners })
      // Node compiles what runs often, beside it and for a while.
      await load.ask('run', { depth, seconds: options.seconds * 2 })
      loads.set(name, load)
    }
    const samples = await measureRounds(Object.keys(rooms), options, (name) =>
      measure(rooms[name] as RoomName, loads.get(name) as Worker),
    )
    for (const load of loads.values()) await load[Symbol.asyncDispose]()

    lines.push(...rowLines(samples, base, `, ${listeners} listening`))
    const hold = (row: string, figure: Figure, title: string, must: number, aim?: number) =>
      goals.push(
        goalLine(samples, row, base, figure, {
          title: `${title}, ${listeners} listening`,
          must,
          ...(aim === undefined ? {} : { aim }),
          better: figure === 'rate' ? 'more' : 'less',
        }),
      )
    hold(publicRoom, 'rate', 'public room', listeners === 1 ? 4 : 8, listeners === 1 ? 8 : 12)
    hold(privateRoom, 'rate', 'private room', 2.5, 4)
    hold(publicRoom, 'cpu', 'public room, processor time', 0.2, 0.1)
    hold(publicRoom, 'p50', `public room, p50 at ${perSecond} a second`, 0.65)
  }
  return [
    {
      title: `A message: rate, time at ${perSecond} a second, processor time of the service`,
      lines: [...lines, ...goals],
    },
  ]
}
