import { join } from 'node:path'
import type { Msg, NatsConnection } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { createClient } from '../../runtime/client/index.ts'
import { contracts } from '../../schema/contracts.ts'
import type { ClientId, RoomId } from '../../schema/ids.ts'
import { type AppId, appAction } from '../../schema/messages/app.ts'
import { startDatabase } from '../database.ts'
import { startFixture } from '../fixture.ts'
import { loop, percentilesOf } from '../loop.ts'
import { type Line, median, type Options, type Section, toRatios } from '../measure.ts'

const root = join(import.meta.dirname, '..', '..')
const folders = [join(root, 'functions'), join(root, 'apps')]
const memberCounts = [1, 10, 200]
const repeats = 30
const app = 'poll' as AppId
const owner = 'member-0'
const roomOf = (members: number) => `bench-${members}` as RoomId

/**
 * Compares the poll app with the chat: calls of the app with calls of the chat's functions, and
 * updates of the app with messages.
 */
export async function measureApps(options: Options): Promise<Section[]> {
  await using stack = new AsyncDisposableStack()
  const database = await startDatabase(stack, async (sql) => {
    for (const count of memberCounts) {
      const room = roomOf(count)
      await sql`insert into rooms (id, name, kind) values (${room}, ${room}, 'private')`
      await sql`insert into members (room, user_id, role)
        select ${room}, 'member-' || number, case number when 0 then 'owner' else 'member' end
        from generate_series(0, ${count - 1}) number`
    }
  })
  const fixture = stack.use(await startFixture())
  await fixture.serve(folders, {
    DATABASE_URL: database,
    OIDC_ISSUER: 'http://127.0.0.1:1',
    RATE_LIMIT_FACTOR: '100000',
  })
  const { username, password, host } = new URL(fixture.url)
  const nc = await connect({ servers: host, user: username, pass: password })
  stack.defer(() => nc.close())
  const client = createClient(nc, {
    contracts: { ...contracts, 'app.action': appAction },
    user: owner,
  })
  const act = (room: RoomId, action: string, data: object) =>
    client.call('app.action', { app, room, action, data })

  const polls = new Map<RoomId, string>()
  for (const room of memberCounts.map(roomOf)) {
    await client.call('apps.install', { room, app })
    const id = crypto.randomUUID()
    await act(room, 'create', { id, question: 'Lunch?', options: ['Pizza', 'Soup'] })
    polls.set(room, id)
  }
  let votes = 0
  const vote = (room: RoomId) => {
    votes += 1
    return act(room, 'vote', { poll: polls.get(room), options: [votes % 2] })
  }
  const send = (room: RoomId) =>
    client.call('send', { room, clientId: crypto.randomUUID() as ClientId, text: 'A message' })

  const small = roomOf(10)
  const calls: Record<string, () => Promise<unknown>> = {
    'apps.room': () => client.call('apps.room', { room: small }),
    'query of the app': () => act(small, 'list', {}),
    send: () => send(small),
    'action of the app': () => vote(small),
  }
  const trips = await measureMedians(Object.entries(calls), options, async (call) => {
    const { p50 } = await loop({ depth: 1, seconds: options.seconds }, call)
    return p50
  })

  const kinds = { message: send, update: vote }
  const rows = memberCounts.flatMap((count) =>
    Object.entries(kinds).map(
      ([kind, start]) => [`${kind}, room of ${count}`, { start, count }] as const,
    ),
  )
  const received = countDeliveries(nc)
  const times = await measureMedians(rows, options, async ({ start, count }) => {
    const room = roomOf(count)
    const values: number[] = []
    for (let index = 0; index < repeats; index++) {
      const delivered = received.expect(room, count)
      const startedAt = performance.now()
      await Promise.all([start(room), delivered])
      values.push(performance.now() - startedAt)
    }
    return percentilesOf(values).p50
  })

  return [
    {
      title: 'Calls of an app, with one call in flight',
      lines: [
        toLine(trips, 'query of the app', 'apps.room'),
        toLine(trips, 'action of the app', 'send'),
      ],
    },
    {
      title: 'Time until all members of a private room have received an update of an app',
      lines: memberCounts.map((count) =>
        toLine(times, `update, room of ${count}`, `message, room of ${count}`),
      ),
    },
  ]
}

type Medians = Map<string, number[]>

/**
 * Measures each row once to warm up, and then once per round. Each round begins with a different row,
 * so that a disturbance of the machine affects all rows alike.
 */
async function measureMedians<Row>(
  rows: readonly (readonly [string, Row])[],
  { rounds }: Options,
  measure: (row: Row) => Promise<number>,
): Promise<Medians> {
  const medians: Medians = new Map(rows.map(([name]) => [name, []]))
  for (const [, row] of rows) await measure(row)
  for (let round = 0; round < rounds; round++) {
    const shift = round % rows.length
    for (const [name, row] of [...rows.slice(shift), ...rows.slice(0, shift)])
      medians.get(name)?.push(await measure(row))
  }
  return medians
}

function toLine(medians: Medians, name: string, base: string): Line {
  const values = medians.get(name) ?? []
  return {
    name,
    value: `p50 ${median(values).toFixed(2)} ms`,
    base,
    ratios: toRatios(values, medians.get(base) ?? []),
  }
}

/** Counts the messages and updates that members receive. One connection subscribes for all members. */
function countDeliveries(nc: NatsConnection) {
  let waiting: { room: string; left: number; resolve: () => void } | undefined
  const count = (_error: Error | null, { subject }: Msg) => {
    if (!waiting || !subject.split('.').includes(waiting.room)) return
    waiting.left -= 1
    if (waiting.left === 0) waiting.resolve()
  }
  nc.subscribe('deliver.*.notify.*', { callback: count })
  nc.subscribe(`deliver.*.app.${app}.*.updated`, { callback: count })
  return {
    expect: (room: RoomId, left: number) =>
      new Promise<void>((resolve) => {
        waiting = { room, left, resolve }
      }),
  }
}
