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
const natter = 'Natter readPage'
const readers: Record<string, ReaderName> = {
  [base]: 'raw',
  'drizzle as it comes, three statements': 'plain',
  [natter]: 'natter',
}

const rooms = 1_000
const rows = 1_000_000

/** A page of 50 messages out of the middle of a room, from PostgreSQL to what a function answers. */
export async function measureHistory(options: Options): Promise<Section[]> {
  await using started = new AsyncDisposableStack()
  const url = await startDatabase(started, writeMessages)
  const workers = new Map<string, Worker>()
  for (const [row, name] of Object.entries(readers)) {
    const worker = started.use(await startWorker(module))
    await worker.ask('open', { name, url, rooms, rows } satisfies Opening)
    workers.set(row, worker)
  }
  const find = (row: string) => workers.get(row) as Worker

  const asked = { room: 'room-0', before: rows / 2, limit: 50 }
  const expected = await find(base).ask('read', asked)
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
  const hold = (figure: 'p50' | 'p99', must: number) =>
    goalLine(single, natter, base, figure, {
      title: `beside raw postgres.js, 1 at once: ${figure}`,
      must,
      better: 'less',
    })
  return [
    {
      title: `A page of 50 out of ${rows.toLocaleString('en')} messages: rate, time, processor time of the reader`,
      lines: [
        ...rowLines(single, base, ', 1 at once'),
        ...rowLines(many, base, ', 8 at once'),
        hold('p50', 1.1),
        hold('p99', 1.5),
      ],
    },
  ]
}

/**
 * Messages in the order in which people would write them: every third in one busy room, the others in
 * many. One in ten is an answer to the one before it in its room, and one in five has a reaction.
 */
async function writeMessages(sql: Sql) {
  await sql`
    insert into messages (id, room, seq, thread_id, sender, client_id, text, at)
    select md5(n::text), ${roomOf(sql)}, n, case when n % 10 = 3 then md5((n - ${rooms * 3})::text) else '' end,
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

/** `room-0` is the busy one. */
function roomOf(sql: Sql) {
  return sql`'room-' || case when n % 3 = 0 then 0 else n % ${rooms} end`
}
