import { join } from 'node:path'
import { startFixture, withoutDatabase } from '../fixture.ts'
import {
  type Figure,
  goalLine,
  type Line,
  measureRounds,
  type Options,
  rowLines,
  type Sample,
  type Section,
  takeSample,
} from '../measure.ts'
import { openRoomIndex } from '../room-index.ts'
import type { Worker } from '../worker.ts'
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
const listenerCounts = [1, 10]

/**
 * The rate is measured with `depth` messages in flight, and p50 and p99 with `perSecond` messages a
 * second.
 */
const depth = 64
const perSecond = 50

export async function measureSends(options: Options): Promise<Section[]> {
  await using fixture = await startFixture()
  const { url } = fixture
  const startDrawn = async (name: DrawnName) => {
    const worker = await fixture.startWorker(module)
    await worker.call('serve', { name, url })
    return worker
  }
  const drawn = { drawn: await startDrawn('drawn'), lean: await startDrawn('lean') }
  // Serves only the functions that the original design also has. The original design uses no
  // database, so Natter's functions have none either.
  await fixture.serve(join(import.meta.dirname, 'functions'), {
    ...withoutDatabase,
    // The rate limits are raised, so that calls are counted, but never reach a limit.
    RATE_LIMIT_FACTOR: '100000',
  })
  const { nc, readCpu } = await fixture.connect()
  const index = await openRoomIndex(nc)
  await index.markComplete()

  async function startRoom(room: RoomName, listeners: number) {
    if (!isDrawn(room))
      await index.addRoom(`${room}-${listeners}`, room, membersOf(room, listeners))
    const load = await fixture.startWorker(module)
    await load.call('connect', { url, room, listeners })
    await load.call('run', { depth, seconds: options.seconds * 2 })
    return load
  }

  async function measure(room: RoomName, load: Worker): Promise<Sample> {
    const { seconds } = options
    const sample = await takeSample(
      () => (isDrawn(room) ? drawn[room].call<number>('cpu') : readCpu()),
      () => load.call('run', { depth, seconds }),
    )
    const atRate = { perSecond, seconds: Math.max(0.5, seconds) }
    return { ...sample, ...(await load.call<Pick<Sample, 'p50' | 'p99'>>('sendAtRate', atRate)) }
  }

  const lines: Line[] = []
  const goals: Line[] = []
  for (const listeners of listenerCounts) {
    const loads = new Map<string, Worker>()
    for (const [row, room] of Object.entries(rooms))
      loads.set(row, await startRoom(room, listeners))
    const samples = await measureRounds(Object.keys(rooms), options, (row) =>
      measure(rooms[row] as RoomName, loads.get(row) as Worker),
    )
    for (const load of loads.values()) await load[Symbol.asyncDispose]()

    const suffix = listeners === 1 ? ', 1 listener' : `, ${listeners} listeners`
    lines.push(...rowLines(samples, base, suffix))
    const addGoal = (row: string, figure: Figure, title: string, must: number, aim?: number) =>
      goals.push(goalLine(samples, { title: title + suffix, row, base, figure, must, aim }))
    addGoal(publicRoom, 'rate', 'public room', listeners === 1 ? 4 : 8, listeners === 1 ? 8 : 12)
    addGoal(privateRoom, 'rate', 'private room', 2.5, 4)
    addGoal(publicRoom, 'cpu', 'public room, processor time', 0.2, 0.1)
    addGoal(publicRoom, 'p50', `public room, p50 at ${perSecond}/s`, 0.65)
  }
  return [
    {
      title: `A message: rate, time at ${perSecond}/s, processor time of the responder`,
      lines: [...lines, ...goals],
    },
  ]
}
