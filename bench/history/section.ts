import { deepEqual } from 'node:assert/strict'
import type { Sql } from 'postgres'
import { startDatabase } from '../database.ts'
import {
  goalLine,
  measureRounds,
  type Options,
  rowLines,
  type Section,
  takeSample,
} from '../measure.ts'
import { startWorker, type Worker } from '../worker.ts'
import type { ReaderName } from './readers.ts'
import type { OpenOptions } from './worker.ts'

const module = new URL('worker.ts', import.meta.url)

const base = 'raw postgres.js'
const messagesOnly = 'raw postgres.js, no reply counts'
const drizzle = 'drizzle unchanged'
const natter = 'Natter readPage'
const readers: Record<string, ReaderName> = {
  [base]: 'raw',
  [messagesOnly]: 'messagesOnly',
  [drizzle]: 'drizzle',
  [natter]: 'natter',
}

const manyRooms = 1_000
const million = 1_000_000
const limit = 50

interface Dataset extends Pick<OpenOptions, 'roomCount' | 'messageCount' | 'minBefore'> {
  name: string
  write: (sql: Sql) => Promise<void>
}

const datasets: Dataset[] = [
  {
    name: 'many rooms',
    roomCount: manyRooms,
    messageCount: million,
    minBefore: manyRooms * (limit + 1) * 3,
    write: writeManyRooms,
  },
  // Detects a regression: in a room with few threads, an earlier statement made PostgreSQL scan all
  // messages for each row of a history page.
  {
    name: 'one room, few threads',
    roomCount: 1,
    messageCount: 200_000,
    minBefore: 100_000,
    write: writeOneRoom,
  },
]

export async function measureHistory(options: Options): Promise<Section[]> {
  const sections: Section[] = []
  for (const dataset of datasets) sections.push(await measureDataset(dataset, options))
  return sections
}

async function measureDataset(dataset: Dataset, options: Options): Promise<Section> {
  await using stack = new AsyncDisposableStack()
  const { name, write, ...contents } = dataset
  const url = await startDatabase(stack, write)
  const workers = new Map<string, Worker>()
  for (const [row, reader] of Object.entries(readers)) {
    const worker = stack.use(await startWorker(module))
    await worker.call('open', { name: reader, url, ...contents } satisfies OpenOptions)
    workers.set(row, worker)
  }
  const find = (row: string) => workers.get(row) as Worker

  const request = { room: 'room-0', before: contents.messageCount, limit }
  const expected = await find(drizzle).call('read', request)
  for (const worker of workers.values()) deepEqual(await worker.call('read', request), expected)

  function measure(row: string, depth: number) {
    const { seconds } = options
    return takeSample(
      () => find(row).call<number>('cpu'),
      () => find(row).call('run', { depth, seconds }),
    )
  }

  const rows = Object.keys(readers)
  for (const row of rows) await measure(row, 8)
  const single = await measureRounds(rows, options, (row) => measure(row, 1))
  const parallel = await measureRounds(rows, options, (row) => measure(row, 8))
  const goal = (against: string, figure: 'p50' | 'p99', must: number) =>
    goalLine(single, {
      title: `Natter ÷ ${against}, 1 in flight: ${figure}`,
      row: natter,
      base: against,
      figure,
      must,
    })
  const messageCount = contents.messageCount.toLocaleString('en')
  return {
    title: `A page of ${limit} from ${messageCount} messages, ${name}: rate, time, processor time of the reader`,
    lines: [
      ...rowLines(single, base, ', 1 in flight'),
      ...rowLines(parallel, base, ', 8 in flight'),
      goal(base, 'p50', 1.1),
      goal(base, 'p99', 1.5),
      // The baseline of the goals above runs the same SQL statement as Natter, so these goals would not
      // detect that the statement has become slower.
      goal(messagesOnly, 'p50', 4),
    ],
  }
}

/** One message in ten is a reply, and one in five has a reaction. */
async function writeManyRooms(sql: Sql) {
  await sql`
    insert into messages (id, room, seq, thread_id, sender, client_id, text, at)
    select md5(n::text), ${roomOf(sql)}, n, case when n / ${manyRooms * 3} % 10 = 3 then md5((n - ${manyRooms * 3})::text) else '' end,
      'user-' || n % 50, 'client-' || n,
      'A line about as long as people write, now and then.', now() - n * interval '1 second'
    from generate_series(1, ${million}::int) as n`
  await sql`
    insert into reactions (message_id, user_id, emoji, "on", seq, first_seq)
    select md5(n::text), 'user-' || n % 50, '👍', true, n, n
    from generate_series(1, ${million}::int, 5) as n`
  await sql`
    insert into room_heads (room, seq) select room, max(seq) from messages group by room`
  await sql`vacuum analyze messages, reactions, room_heads`
}

async function writeOneRoom(sql: Sql) {
  await sql`
    insert into messages (id, room, seq, thread_id, sender, client_id, text, at)
    select md5(n::text), 'room-0', n,
      case when n % 1000 = 0 then md5((199951 + n / 1000 % 5 * 10)::text) else '' end,
      'user-' || n % 50, 'client-' || n,
      'A line about as long as people write, now and then.', now() - n * interval '1 second'
    from generate_series(1, 200000) as n`
  await sql`insert into room_heads (room, seq) values ('room-0', 200000)`
  // Omits `vacuum` deliberately: before the first vacuum of a table, PostgreSQL overestimates the
  // cost of an index-only scan.
  await sql`analyze messages, reactions, room_heads`
}

function roomOf(sql: Sql) {
  return sql`'room-' || case when n % 3 = 0 then 0 else n % ${manyRooms} end`
}
