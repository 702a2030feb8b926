import { join } from 'node:path'
import type { Sql } from 'postgres'
import { startDatabase } from '../database.ts'
import { startFixture } from '../fixture.ts'
import type { LoopResult } from '../loop.ts'
import {
  goalLine,
  type Line,
  measureRounds,
  median,
  type Options,
  rowLines,
  type Sample,
  type Samples,
  type Section,
  takeSample,
  toRatios,
} from '../measure.ts'
import { openRoomIndex } from '../room-index.ts'
import { measureIdle } from './idle.ts'
import { roomCount, roomsPerUser, userCount } from './users.ts'
import type { ReconnectResult, Side } from './worker.ts'

const module = new URL('worker.ts', import.meta.url)

const base = 'as drawn'
const natter = 'Natter presence.heartbeat'
const sides: Record<string, Side> = { [base]: 'drawn', [natter]: 'natter' }

export async function measurePresence(options: Options): Promise<Section[]> {
  await using stack = new AsyncDisposableStack()
  // V8 compiles the code in round 0, which is not part of the result.
  const rounds = options.rounds + 1
  const database = await startDatabase(stack, (sql) => writeMembers(sql, rounds))
  const fixture = stack.use(await startFixture())
  const users = await fixture.startWorker(module)
  await users.call('connect', fixture.url)
  await fixture.serve(join(import.meta.dirname, 'functions'), { DATABASE_URL: database })
  const { nc, readCpu } = await fixture.connect()
  const drawn = await fixture.startWorker(module)
  await drawn.call('serve', fixture.url)
  const index = await openRoomIndex(nc)
  for (let room = 0; room < roomCount; room++) await index.addRoom(`room-${room}`, 'public')

  async function measure<Result extends LoopResult>(row: string, method: string, round: number) {
    const side = sides[row] as Side
    let result: Result | undefined
    const sample = await takeSample(
      () => (side === 'drawn' ? drawn.call<number>('cpu') : readCpu()),
      async () => (result = await users.call<Result>(method, { side, round })),
    )
    return { sample, result: result as Result }
  }

  const rows = Object.keys(sides)
  const results = new Map(rows.map((row) => [row, [] as ReconnectResult[]]))
  const heartbeats = new Map(rows.map((row) => [row, [] as Sample[]]))
  for (const row of rows) {
    await measure(row, 'reconnect', 0)
    await measure(row, 'heartbeat', 0)
  }
  const reconnects = await measureRounds(rows, options, async (row) => {
    const round = (results.get(row)?.length ?? 0) + 1
    const { result, sample } = await measure<ReconnectResult>(row, 'reconnect', round)
    results.get(row)?.push(result)
    heartbeats.get(row)?.push((await measure(row, 'heartbeat', round)).sample)
    return sample
  })

  // Ends the process of the original design, which would fail when its leases expire.
  await drawn[Symbol.asyncDispose]()

  const notifiedLines = (
    figure: 'notifications' | 'notifiedSeconds',
    format: (value: number) => string,
  ) => {
    const valuesOf = (row: string) => results.get(row)?.map((result) => result[figure]) ?? []
    return rows.map(
      (row): Line => ({
        name: `${row}, all rooms notified`,
        value: format(median(valuesOf(row))),
        base,
        ratios: toRatios(valuesOf(row), valuesOf(base)),
      }),
    )
  }
  const notifications = notifiedLines('notifications', (count) => `${count} messages`)
  const goal = (
    samples: Samples,
    figure: 'rate' | 'cpu',
    title: string,
    must: number,
    aim: number,
  ) => goalLine(samples, { title, row: natter, base, figure, must, aim })
  return [
    {
      title: `${userCount.toLocaleString('en')} users, each in ${roomsPerUser} of ${roomCount} rooms: rate, time, processor time of the responder`,
      lines: [
        ...rowLines(reconnects, base, ', reconnect'),
        ...notifiedLines('notifiedSeconds', (seconds) => `${seconds.toFixed(2)} s`),
        ...notifications,
        ...rowLines(heartbeats, base, ', heartbeat'),
        goal(reconnects, 'rate', 'reconnect: rate', 1.2, 1.5),
        goal(reconnects, 'cpu', 'reconnect: processor time', 1, 0.8),
        goal(heartbeats, 'rate', 'heartbeat: rate', 1.5, 2),
        goal(heartbeats, 'cpu', 'heartbeat: processor time', 0.6, 0.4),
        ...notifications.slice(1).map((line) => ({
          ...line,
          name: 'reconnect: messages to rooms',
          goal: { must: 0.1, aim: 0.03, better: 'less' as const },
        })),
      ],
    },
    await measureIdle({ fixture, users, nc, readCpu }),
  ]
}

async function writeMembers(sql: Sql, rounds: number) {
  await sql`
    insert into rooms (id, name, kind)
    select 'room-' || n, 'A room', 'public' from generate_series(0, ${roomCount - 1}::int) as n
    on conflict do nothing`
  await sql`
    insert into members (room, user_id)
    select 'room-' || (n * ${roomsPerUser}::int + each) % ${roomCount}::int, 'natter-' || round || '-' || n
    from generate_series(0, ${rounds - 1}::int) as round,
      generate_series(0, ${userCount - 1}::int) as n,
      generate_series(0, ${roomsPerUser - 1}::int) as each`
  await sql`vacuum analyze members`
}
