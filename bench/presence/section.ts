import { join } from 'node:path'
import { Kvm } from '@nats-io/kv'
import type { Sql } from 'postgres'
import { createRequester } from '../../runtime/client/index.ts'
import { ROOMS_KV } from '../../schema/streams.ts'
import { connectTo } from '../connect.ts'
import { startDatabase } from '../database.ts'
import { startFixture } from '../fixture.ts'
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
} from '../measure.ts'
import { startWorker } from '../worker.ts'
import { people, rooms, roomsEach } from './people.ts'
import type { Beats, Return, Side } from './worker.ts'

const module = new URL('worker.ts', import.meta.url)

const base = 'as drawn'
const natter = 'Natter presence.heartbeat'
const sides: Record<string, Side> = { [base]: 'drawn', [natter]: 'natter' }

/** Everybody comes back at once, as after an outage; then everybody's tab says that it is still there. */
export async function measurePresence(options: Options): Promise<Section[]> {
  await using started = new AsyncDisposableStack()
  // One round more, in which Node compiles what runs often.
  const rounds = options.rounds + 1
  const database = await startDatabase(started, (sql) => writeMembers(sql, rounds))
  const ground = started.use(await startFixture())
  const url = ground.nats.urlOf('functions')
  const drawn = ground.use(await startWorker(module))
  await drawn.ask('serve', url)
  const load = ground.use(await startWorker(module))
  await load.ask('connect', url)
  await ground.serve(join(import.meta.dirname, 'functions'), { DATABASE_URL: database })
  const nc = await connectTo(url, 'bench')
  ground.use({ [Symbol.asyncDispose]: () => nc.close() })
  const index = await new Kvm(nc).open(ROOMS_KV.bucket)
  for (let at = 0; at < rooms; at++)
    await index.put(`room-${at}`, JSON.stringify({ kind: 'public', closed: false }))
  const requester = createRequester(nc)

  async function cpuOf(side: Side) {
    if (side === 'drawn') return drawn.ask<number>('cpu')
    const reply = await requester.request('bench.cpu', '{}', { timeoutMs: 5_000 })
    return reply.json<{ cpu: number }>().cpu
  }
  async function measure<What extends Beats>(row: string, ability: string, round: number) {
    const side = sides[row] as Side
    const before = await cpuOf(side)
    const found = await load.ask<What>(ability, { side, round })
    const cpu = ((await cpuOf(side)) - before) / people
    const { seconds, p50, p99 } = found
    return { found, sample: { rate: people / seconds, p50, p99, cpu } satisfies Sample }
  }

  const names = Object.keys(sides)
  const returns = new Map(names.map((row) => [row, [] as Return[]]))
  const again = new Map(names.map((row) => [row, [] as Sample[]]))
  for (const row of names) {
    await measure(row, 'comeBack', 0)
    await measure(row, 'beat', 0)
  }
  const back = await measureRounds(names, options, async (row) => {
    const round = (returns.get(row)?.length ?? 0) + 1
    const { found, sample } = await measure<Return>(row, 'comeBack', round)
    returns.get(row)?.push(found)
    again.get(row)?.push((await measure(row, 'beat', round)).sample)
    return sample
  })

  const told = (figure: 'pushes' | 'toldSeconds', format: (value: number) => string) =>
    names.map((row): Line => {
      const values = returns.get(row)?.map((it) => it[figure]) ?? []
      const below = returns.get(base)?.map((it) => it[figure]) ?? []
      const ratios = values.map((value, round) => value / (below[round] ?? Number.NaN))
      return { name: `${row}, all rooms know`, value: format(median(values)), base, ratios }
    })
  const messages = told('pushes', (count) => `${count} messages`)
  const hold = (
    samples: Samples,
    figure: 'rate' | 'cpu',
    title: string,
    must: number,
    aim: number,
  ) =>
    goalLine(samples, natter, base, figure, {
      title,
      must,
      aim,
      better: figure === 'rate' ? 'more' : 'less',
    })
  return [
    {
      title: `${people} people, ${roomsEach} of ${rooms} rooms each: rate, time, processor time of the service`,
      lines: [
        ...rowLines(back, base, ', all come back at once'),
        ...told('toldSeconds', (seconds) => `${seconds.toFixed(2)} s`),
        ...messages,
        ...rowLines(again, base, ', all are still there'),
        hold(back, 'rate', 'all come back at once', 1.2, 1.5),
        hold(back, 'cpu', 'and processor time', 1, 0.8),
        hold(again, 'rate', 'all are still there', 1.5, 2),
        hold(again, 'cpu', 'and processor time', 0.6, 0.4),
        ...messages.slice(1).map((line) => ({
          ...line,
          name: 'messages until all rooms know',
          goal: { title: '', must: 0.1, aim: 0.03, better: 'less' as const },
        })),
      ],
    },
  ]
}

/** Who is where, for all rounds: of Natter's people alone, since as drawn nobody asks a database. */
async function writeMembers(sql: Sql, rounds: number) {
  await sql`
    insert into rooms (id, name, kind)
    select 'room-' || n, 'A room', 'public' from generate_series(0, ${rooms - 1}::int) as n
    on conflict do nothing`
  await sql`
    insert into members (room, user_id)
    select 'room-' || (n * ${roomsEach}::int + each) % ${rooms}::int, 'natter-' || round || '-' || n
    from generate_series(0, ${rounds - 1}::int) as round,
      generate_series(0, ${people - 1}::int) as n,
      generate_series(0, ${roomsEach - 1}::int) as each`
  await sql`vacuum analyze members`
}
