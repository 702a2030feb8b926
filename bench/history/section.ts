import { deepEqual } from 'node:assert/strict'
import type { Sql } from 'postgres'
import { startDatabase } from '../database.ts'
import type { LoopResult } from '../loop.ts'
import {
  goalLine,
  measureRounds,
  type Options,
  rowLines,
  type Sample,
  type Section,
} from '../measure.ts'
import { startWorker, type Worker } from '../worker.ts'
import type { ReaderName } from './readers.ts'
import type { Opening } from './worker.ts'

const module = new URL('worker.ts', import.meta.url)

const base = 'raw postgres.js, the same statement'
const bare = 'raw postgres.js, the messages alone'
const plain = 'drizzle as it comes, three statements'
const natter = 'Natter readPage'
const readers: Record<string, ReaderName> = {
  [base]: 'raw',
  [bare]: 'bare',
  [plain]: 'plain',
  [natter]: 'natter',
}

const rooms = 1_000
const rows = 1_000_000
const limit = 50

/** What a database holds, and from where on a page of it is full. */
interface Stock {
  name: string
  rooms: number
  rows: number
  from: number
  write: (sql: Sql) => Promise<void>
}

const stocks: Stock[] = [
  { name: 'many rooms', rooms, rows, from: rooms * (limit + 1) * 3, write: writeMessages },
  // Analysed, this once made PostgreSQL scan all messages for each row of a page.
  { name: 'one room, few threads', rooms: 1, rows: 200_000, from: 100_000, write: writeOneRoom },
]

/** A page of 50 messages out of a room, from PostgreSQL to what a function answers. */
export async function measureHistory(options: Options): Promise<Section[]> {
  const sections: Section[] = []
  for (const stock of stocks) sections.push(await measureStock(stock, options))
  return sections
}

async function measureStock({ name, write, ...stock }: Stock, options: Options): Promise<Section> {
  await using started = new AsyncDisposableStack()
  const url = await startDatabase(started, write)
  const workers = new Map<string, Worker>()
  for (const [row, name] of Object.entries(readers)) {
    const worker = started.use(await startWorker(module))
    await worker.ask('open', { name, url, ...stock } satisfies Opening)
    workers.set(row, worker)
  }
  const find = (row: string) => workers.get(row) as Worker

  const asked = { room: 'room-0', before: stock.rows, limit }
  const expected = await find(plain).ask('read', asked)
  for (const worker of workers.values()) deepEqual(await worker.ask('read', asked), expected)

  async function measure(row: string, depth: number): Promise<Sample> {
    const worker = find(row)
    const before = await worker.ask<number>('cpu')
    const { seconds } = options
    const { count, p50, p99, ...took } = await worker.ask<LoopResult>('run', { depth, seconds })
    const cpu = ((await worker.ask<number>('cpu')) - before) / count
    return { rate: count / took.seconds, p50, p99, cpu }
  }

  const names = Object.keys(readers)
  for (const row of names) await measure(row, 8)
  const single = await measureRounds(names, options, (row) => measure(row, 1))
  const many = await measureRounds(names, options, (row) => measure(row, 8))
  const hold = (against: string, title: string, figure: 'p50' | 'p99', must: number) =>
    goalLine(single, natter, against, figure, {
      title: `${title}: ${figure}`,
      must,
      better: 'less',
    })
  return {
    title: `A page of 50 out of ${stock.rows.toLocaleString('en')} messages, ${name}: rate, time, processor time of the reader`,
    lines: [
      ...rowLines(single, base, ', 1 at once'),
      ...rowLines(many, base, ', 8 at once'),
      hold(base, 'beside raw postgres.js, 1 at once', 'p50', 1.1),
      hold(base, 'beside raw postgres.js, 1 at once', 'p99', 1.5),
      // The statement itself regresses in both of those above.
      hold(bare, 'beside a page without its threads, 1 at once', 'p50', 4),
    ],
  }
}

/**
 * Messages in the order in which people would write them: every third in one busy room, the others in
 * many. One in ten is an answer to one before it in its room, and one in five has a reaction.
 */
async function writeMessages(sql: Sql) {
  await sql`
    insert into messages (id, room, seq, thread_id, sender, client_id, text, at)
    select md5(n::text), ${roomOf(sql)}, n, case when n / ${rooms * 3} % 10 = 3 then md5((n - ${rooms * 3})::text) else '' end,
      'user-' || n % 50, 'client-' || n,
      'A line about as long as people write, now and then.', now() - n * interval '1 second'
    from generate_series(1, ${rows}::int) as n`
  await sql`
    insert into reactions (message_id, user_id, emoji, "on", seq, first_seq)
    select md5(n::text), 'user-' || n % 50, '👍', true, n, n
    from generate_series(1, ${rows}::int, 5) as n`
  await sql`
    insert into room_heads (room, seq) select room, max(seq) from messages group by room`
  await sql`vacuum analyze messages, reactions, room_heads`
}

/** One room, in which one message in a thousand is a reply, in five threads. */
async function writeOneRoom(sql: Sql) {
  await sql`
    insert into messages (id, room, seq, thread_id, sender, client_id, text, at)
    select md5(n::text), 'room-0', n,
      case when n % 1000 = 0 then md5((199951 + n / 1000 % 5 * 10)::text) else '' end,
      'user-' || n % 50, 'client-' || n,
      'A line about as long as people write, now and then.', now() - n * interval '1 second'
    from generate_series(1, 200000) as n`
  await sql`insert into room_heads (room, seq) values ('room-0', 200000)`
  // Not vacuumed: then a scan of all messages seems cheap beside one of the index alone.
  await sql`analyze messages, reactions, room_heads`
}

/** `room-0` is the busy one. */
function roomOf(sql: Sql) {
  return sql`'room-' || case when n % 3 = 0 then 0 else n % ${rooms} end`
}
