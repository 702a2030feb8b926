import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { indexedVersion } from '#domain/users/store'
import type { contracts } from '#schema/contracts'
import { closeDb, migrate } from '#schema/db'
import { type MessageId, type RoomId, toNotifyId, type UserId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { type App, createApp, newClientId } from '../support/app.ts'
import {
  buffersOf,
  type Executed,
  logPlans,
  nodesOf,
  readPlans,
  rowsOf,
} from '../support/plan-log.ts'
import { type Servers, startServers } from '../support/servers.ts'
import { newSpan } from '../support/tracing.ts'

const rows = 200_000
const firstSeq = 1_000_000
/**
 * A statement may touch `maxBuffers` pages of 8 kB, or `maxBuffersPerRow` pages for each row that
 * it returns, whichever is more.
 */
const [maxBuffers, maxBuffersPerRow] = [1_000, 25]
/**
 * A node of a query plan may return `maxRows` rows, or `maxRowsPerRow` rows for each row that the
 * statement returns, whichever is more.
 */
const [maxRows, maxRowsPerRow] = [11_000, 200]
/**
 * A sequential scan of one of these tables may read at most `maxScanned` of its about 200,000 rows.
 */
const large = [
  'messages',
  'message_versions',
  'reactions',
  'users',
  'user_terms',
  'user_name_keys',
  'mentions',
  'thread_states',
]
const maxScanned = 1_000

/** The strings are SQL expressions in which `n` is the number of a message, from 1 to `rows`. */
interface Distribution {
  rooms: number
  room: string
  thread: string
  sender: string
  users: number
  members: number
}

const distributions: Record<string, Distribution> = {
  'one room without threads, of one user': {
    rooms: 1,
    room: '0',
    thread: 'null',
    sender: `'alice'`,
    users: 3,
    members: 3,
  },
  'one room with few threads, of many users': {
    rooms: 1,
    room: '0',
    thread: `case when n % 10 = 0 then ${rows - 49} + (n - 1) / 50000 * 10 end`,
    sender: `'user-' || n % 1000`,
    users: 200_000,
    members: 1_000,
  },
  'a thousand rooms with many threads, of many users': {
    rooms: 1_000,
    room: 'n % 1000',
    thread: 'case when n / 1000 % 5 = 4 then n - 1000 end',
    sender: `'user-' || n % 20`,
    users: 200_000,
    members: 5,
  },
  'fifty rooms with 1,200 unread messages each, and a large one': {
    rooms: 51,
    room: 'case when n <= 60000 then n % 50 + 1 else 0 end',
    thread: 'null',
    sender: `'user-' || n % 100`,
    users: 200_000,
    members: 100,
  },
}

let servers: Servers
let admin: Sql

beforeAll(async () => {
  servers = await startServers('postgres')
  await servers.runtime.stop()
  admin = postgres(servers.urls.databaseUrl, { max: 1 })
  await logPlans(admin)
  // Table statistics must change only when a test runs ANALYZE.
  await admin`alter system set autovacuum = off`
  await admin`select pg_reload_conf()`
})
afterAll(async () => {
  await admin?.end()
  await servers?.[Symbol.asyncDispose]()
})

describe.each(Object.entries(distributions))('query plans in %s', (name, distribution) => {
  const at = Object.keys(distributions).indexOf(name)
  const url = () => servers.urls.databaseUrl.replace(/postgres$/, `plans_${at}`)
  let sql: Sql

  beforeAll(async () => {
    await admin.unsafe(`create database plans_${at}`)
    process.env.DATABASE_URL = url()
    await migrate()
    await closeDb()
    sql = postgres(url(), { max: 1 })
    await fill(distribution, `d${at}`, sql)
    // The entry `=index` marks the member index as complete. Without it, the runtime rebuilds the
    // index from this database.
    await using app = createApp(servers.urls)
    await (await app.openBucket(ROOMS_KV)).delete('=index')
    // The stream must continue after the sequences in this database, and must not contain messages
    // that belong to the previous database.
    const { streams } = await jetstreamManager((await app.connectAs('functions')).nc)
    const { state } = await streams.info(CHAT_MESSAGES.stream)
    const end = Math.max(state.last_seq, firstSeq + rows)
    await streams.purge(CHAT_MESSAGES.stream, { seq: end + 1 })
  })
  afterAll(() => sql?.end())

  describe.each([
    { when: 'before the first ANALYZE', command: '', modes: ['force_generic_plan'] },
    // The runtime's role uses generic plans, except if it was created by a `roles.sql` of an
    // earlier version.
    {
      when: 'after ANALYZE',
      command: 'analyze',
      modes: ['force_generic_plan', 'force_custom_plan'],
    },
    { when: 'after VACUUM ANALYZE', command: 'vacuum analyze', modes: ['force_generic_plan'] },
  ])('$when', ({ command, modes }) => {
    beforeAll(async () => {
      if (command) await sql.unsafe(command)
    })

    it.each(modes)(
      'scan few rows and touch few pages in every statement, with plan_cache_mode = %s',
      async (mode) => {
        const from = servers.database.log.end()
        const DATABASE_URL = `${url()}?plan_cache_mode=${mode}`
        await using runtime = await servers.startAnother(`runtime-${at}`, { DATABASE_URL })
        await callEverything(`d${at}`, sql)
        await runtime.stop()

        const executed = await readPlans(servers.database.log.path, from)

        expect(executed.length).toBeGreaterThan(100)
        expect([...new Set(executed.flatMap(faultsOf))]).toEqual([])
      },
      60_000,
    )
  })
})

function faultsOf(executed: Executed): string[] {
  const { statement, root, isCompiled } = executed
  const buffers = buffersOf(executed)
  const nodes = nodesOf(root)
  const moved = Math.max(...nodes.map((node) => rowsOf(node)))
  const returned = root['Actual Rows']
  const faults = [
    ...nodes.flatMap((node) => {
      const scanned = rowsOf(node, 'removed rows')
      const table = node['Relation Name'] ?? ''
      const isScan = node['Node Type'] === 'Seq Scan' && large.includes(table)
      return isScan && scanned > maxScanned ? [`scans ${scanned} rows of ${table}`] : []
    }),
    ...(buffers > Math.max(maxBuffers, maxBuffersPerRow * returned)
      ? [`touches ${buffers} pages for ${returned} rows`]
      : []),
    ...(moved > Math.max(maxRows, maxRowsPerRow * returned)
      ? [`passes ${moved} rows between nodes for ${returned} rows`]
      : []),
    ...(isCompiled ? ['is compiled by JIT'] : []),
  ]
  return faults.map((fault) => `${fault}: ${statement}`)
}

async function fill(
  { rooms, room, thread, sender, users, members }: Distribution,
  prefix: string,
  sql: Sql,
) {
  const roomId = (number: string) => `'${prefix}-' || (${number})`
  await sql.unsafe(`
    -- Without triggers, which would check each foreign key.
    set session_replication_role = replica;
    insert into rooms (id, name, kind)
      select ${roomId('n')}, 'Room ' || n, 'public' from generate_series(0, ${rooms - 1}) n;
    insert into users (id, name, indexed_version)
      select 'user-' || n, 'Person ' || n, ${indexedVersion}
      from generate_series(0, ${users - 1}) n;
    insert into user_name_keys (key, user_id, is_chosen)
      select key || n, 'user-' || n, false
      from generate_series(0, ${users - 1}) n, unnest('{person,user}'::text[]) key;
    insert into user_terms (term, user_id)
      select 'person ' || n || ' user-' || n, 'user-' || n from generate_series(0, ${users - 1}) n
      union all
      select n || ' user-' || n || ' person ' || n || ' user-' || n, 'user-' || n
      from generate_series(0, ${users - 1}) n;
    insert into users (id, name) values ('alice', 'Alice'), ('bob', 'Bob'), ('charlie', 'Charlie');
    insert into members (room, user_id, role, joined_at)
      select ${roomId('r')}, 'user-' || (r * 7 + m) % ${users}, 'member', now() + m * interval '1 second'
      from generate_series(0, ${rooms - 1}) r, generate_series(1, ${members}) m;
    insert into members (room, user_id, role) select id, 'alice', 'owner' from rooms;
    insert into members (room, user_id) select id, 'bob' from rooms;
    insert into messages (id, room, seq, thread_id, sender, client_id, text, mentions, at)
      select md5(n::text), ${roomId(room)}, ${firstSeq} + n, coalesce(md5((${thread})::text), ''), ${sender},
        'client-' || n, 'A line about as long as people write, now and then.',
        case when n % 500 = 7 then '{alice}' else '{}' end::text[], now() - n * interval '1 second'
      from generate_series(1, ${rows}) n;
    insert into message_versions (message_id, seq, text, mentions, at)
      select md5(n::text), ${firstSeq} + n + v, 'before', '{}', now()
      from generate_series(1, ${rows}, 2) n, generate_series(0, 1) v;
    insert into reactions (message_id, user_id, emoji, "on", seq, first_seq)
      select md5(n::text), 'user-' || n % ${users}, '👍', true, ${firstSeq} + n, ${firstSeq} + n
      from generate_series(1, ${rows}) n;
    insert into mentions (message_id, user_id, room, thread_id, seq, sender, version)
      select id, case when seq % 100 = 0 then 'alice' else 'user-' || seq % ${users} end,
        room, thread_id, seq, sender, 0
      from messages where seq % 5 = 0;
    insert into thread_states (thread_id, user_id, room, followed, read_seq, last_seq)
      select thread_id, follower, room, true,
        case when max(seq) % 100 = 0 then min(seq) - 1 else max(seq) end, max(seq)
      from messages, unnest(array['alice', 'bob', 'user-1', 'user-2']) follower
      where thread_id <> '' group by thread_id, room, follower;
    insert into room_heads (room, seq) select room, max(seq) from messages group by room;
    insert into read_states (room, user_id, seq)
      select room, user_id, seq from members join room_heads using (room) where user_id <> 'alice';
    insert into bans (room, user_id, by)
      select id, 'banned-' || n, 'alice' from rooms, generate_series(1, 5) n;
    set session_replication_role = origin;`)
}

async function callEverything(prefix: string, sql: Sql) {
  await using app = createApp(servers.urls)
  const room = `${prefix}-0` as RoomId
  const targets = await findTargets(room, sql)
  for (const call of Object.values(callsOf(app, room, targets))) await call()
  await writeAgain(app, room, sql)
  await waitForRows(app, room, targets.thread, sql)
}

type Targets = Awaited<ReturnType<typeof findTargets>>

async function findTargets(room: RoomId, sql: Sql) {
  const [newest, middle] = await sql<{ id: MessageId; seq: number; sender: string }[]>`
    (select id, seq::int, sender from messages where room = ${room} and thread_id = '' order by seq desc limit 1)
    union all
    (select id, seq::int, sender from messages where room = ${room} and thread_id = '' and seq > ${firstSeq + rows / 2}
     order by seq limit 1)`
  const [reply] = await sql<{ id: MessageId; thread: MessageId }[]>`
    select id, thread_id as thread from messages where room = ${room}
    order by thread_id desc limit 1`
  if (!newest || !middle || !reply) throw new Error(`There are no messages in ${room}`)
  return { newest, middle, reply: reply.id, thread: reply.thread || newest.id }
}

/** Returns calls for every contract. This file does not compile if a contract has no entry here. */
function callsOf(app: App, room: RoomId, { newest, middle, reply, thread }: Targets) {
  const newRoom = `room-${crypto.randomUUID()}` as RoomId
  const bob = 'bob' as UserId
  const old = toNotifyId(middle)
  const read = { room, limit: 50 }
  const input = { room, text: 'a message for @bob' }
  const sendOwn = async () => toNotifyId(await app.send(room, 'to be changed', 'alice'))
  const noCall = async () => {}

  return {
    'users.id': () => app.call('users.id', {}, 'alice'),
    'users.me': async () => {
      await app.call('users.me', {}, 'alice')
      await app.call('users.me', { name: 'Alice A.' }, 'alice')
      await app.call('users.me', { name: null }, 'alice')
    },
    'users.names': () => app.call('users.names', { userIds: [bob, 'user-1' as UserId] }, 'alice'),
    'users.search': async () => {
      await app.call('users.search', { text: 'person' }, 'alice')
      await app.call('users.search', { text: 'user person zz' }, 'alice')
    },
    'prefs.get': () => app.call('prefs.get', {}, 'alice'),
    'prefs.set': () => app.call('prefs.set', { rooms: { [room]: 'none' } }, 'alice'),
    'presence.heartbeat': () => app.call('presence.heartbeat', { connId: 'tab' }, 'alice'),
    'presence.update': () => app.call('presence.update', { status: 'away' }, 'alice'),
    'presence.room': () => app.call('presence.room', { room }, 'alice'),
    'chat.history': async () => {
      await app.call('chat.history', read, 'alice')
      await app.call('chat.history', { ...read, limit: 100 }, 'alice')
      await app.call('chat.history', { ...read, around: middle.seq }, 'alice')
      await app.call('chat.history', { ...read, after: middle.seq }, 'alice')
    },
    'chat.history.thread': () =>
      app.call('chat.history.thread', { ...read, threadId: thread }, 'alice'),
    'chat.sync': () => app.call('chat.sync', { room, since: newest.seq }, 'alice'),
    'room.list': async () => {
      await app.call('room.list', {}, 'alice')
      await app.call('room.list', {}, 'bob')
    },
    'room.browse': async () => {
      const { rooms } = await app.call('room.browse', {}, 'alice')
      await app.call('room.browse', { text: 'room', after: rooms.at(-1)?.id }, 'alice')
    },
    'room.info': () => app.call('room.info', { room }, 'alice'),
    'room.keys': () => app.call('room.keys', { rooms: [room] }, 'alice'),
    'read.update': async () => {
      await app.call('read.update', { room, seq: 0 }, 'alice')
      await app.call('read.update', { room, seq: middle.seq, unread: true }, 'alice')
      await app.call('read.update', { room, seq: newest.seq - 5, unread: true }, 'bob')
      await app.call('read.update', { room, seq: newest.seq - 5, threads: true }, 'bob')
    },
    'read.update.thread': async () => {
      await app.call('read.update.thread', { room, threadId: thread, seq: middle.seq }, 'alice')
      await app.call('read.update.thread', { room, threadId: thread, seq: newest.seq }, 'alice')
    },
    'thread.list': () => app.call('thread.list', {}, 'alice'),
    'trace.report': () => app.call('trace.report', { spans: [newSpan()] }, 'alice'),
    'mention.find': () => app.call('mention.find', { room }, 'alice'),
    'msg.get': () => app.call('msg.get', { notifyId: old }, 'alice'),
    'msg.find': () => app.call('msg.find', { room, id: reply }, 'alice'),
    'msg.versions': () => app.call('msg.versions', { notifyId: toNotifyId(newest) }, 'alice'),
    'msg.trace': async () => app.call('msg.trace', { notifyId: await sendOwn() }, 'alice'),
    'msg.react': async () => {
      await app.call('msg.react', { notifyId: old, emoji: '👍' }, 'alice')
      await app.call('msg.react', { notifyId: old, emoji: '👍', on: false }, 'alice')
    },
    'msg.edit': async () =>
      app.call('msg.edit', { notifyId: await sendOwn(), text: 'changed' }, 'alice'),
    'msg.delete': async () => app.call('msg.delete', { notifyId: await sendOwn() }, 'alice'),
    send: async () => {
      await app.call('send', { ...input, clientId: newClientId() }, 'alice')
      // This client id is not a UUIDv7, so `send` looks it up in the database.
      await app.call('send', { ...input, clientId: crypto.randomUUID() }, 'alice')
    },
    'send.thread': () =>
      app.call('send.thread', { ...input, threadId: thread, clientId: newClientId() }, 'alice'),
    typing: () => app.call('typing', { room }, 'alice'),
    'room.join': () => app.call('room.join', { room }, 'charlie'),
    'room.leave': () => app.call('room.leave', { room }, 'charlie'),
    'room.create': () =>
      app.call('room.create', { room: newRoom, name: 'Made', kind: 'private' }, 'alice'),
    'room.rename': () => app.call('room.rename', { room: newRoom, name: 'Renamed' }, 'alice'),
    'room.invite': () => app.call('room.invite', { room: newRoom, userId: bob }, 'alice'),
    'room.invitations': () => app.call('room.invitations', {}, 'bob'),
    'room.decline': async () => {
      await app.call('room.decline', { room: newRoom }, 'bob')
      await app.inviteAndJoin(newRoom, bob, 'alice')
    },
    'room.role': () => app.call('room.role', { room, userId: bob, role: 'owner' }, 'alice'),
    'admin.role': () => app.call('admin.role', { room, userId: bob, role: 'member' }, 'alice'),
    'admin.deactivate': () => app.call('admin.deactivate', { userId: 'user-2' as UserId }, 'alice'),
    'admin.reactivate': () => app.call('admin.reactivate', { userId: 'user-2' as UserId }, 'alice'),
    'room.kick': () => app.call('room.kick', { room, userId: bob }, 'alice'),
    'room.bans': () => app.call('room.bans', { room }, 'alice'),
    'room.unban': async () => {
      await app.call('room.unban', { room, userId: bob }, 'alice')
      await app.inviteAndJoin(room, bob, 'alice')
    },
    'room.archived': () => app.call('room.archived', {}, 'alice'),
    'room.archive': async () => {
      await app.call('room.archive', { room: newRoom }, 'alice')
      await app.call('room.archive', { room: newRoom, archived: false }, 'alice')
    },
    'room.direct': () => app.call('room.direct', { with: bob }, 'alice'),
    'user.block': () => app.call('user.block', { userId: bob }, 'alice'),
    'user.unblock': () => app.call('user.unblock', { userId: bob }, 'alice'),
    'presence.disconnect': () => app.call('presence.disconnect', { connId: 'tab' }, 'alice'),
    'apps.install': async () => {
      await app.call('apps.install', { room, app: 'poll' as AppId }, 'alice')
      const act = (action: string, data: object) => app.act('poll', room, action, data, 'alice')
      const poll = crypto.randomUUID()
      await act('create', { id: poll, question: 'Lunch?', options: ['Pizza', 'Soup'] })
      await act('vote', { poll, options: [1] })
      await act('list', {})
      await act('close', { poll })
    },
    'apps.list': () => app.call('apps.list', {}, 'alice'),
    'apps.room': () => app.call('apps.room', { room }, 'alice'),
    'apps.uninstall': () => app.call('apps.uninstall', { room, app: 'poll' as AppId }, 'alice'),
    'apps.remove': () => app.call('apps.remove', { app: 'absent' as AppId }, 'alice'),
    'console.dead': noCall,
    'console.discard': noCall,
    'console.replay': noCall,
    'console.service': noCall,
    'console.services': noCall,
    'console.traces': noCall,
    'room.members': noCall,
    'translate.cancel': noCall,
    'translate.ping': noCall,
    'translate.request': noCall,
    'translate.run': noCall,
  } satisfies Record<keyof typeof contracts, () => Promise<unknown>>
}

/** Publishes a copy of a stored message, as a retry does once the duplicate window has passed. */
async function writeAgain(app: App, room: RoomId, sql: Sql) {
  const [row] = await sql`
    select id, sender, client_id as "clientId" from messages
    where room = ${room} order by seq limit 1`
  const event = { kind: 'message', ...row, room, text: '', mentions: [], at: new Date() }
  const { nc } = await app.connectAs('functions')
  await jetstream(nc).publish(`chat.${room}`, JSON.stringify(event))
}

async function waitForRows(app: App, room: RoomId, threadId: MessageId, sql: Sql) {
  const message = () => ({ room, text: 'the last one', clientId: newClientId() })
  const last = await Promise.all([
    app.call('send', message(), 'alice'),
    app.call('send.thread', { ...message(), threadId }, 'alice'),
  ])
  const ids = last.map(({ id }) => id)
  await expect.poll(() => sql`select from messages where id in ${sql(ids)}`).toHaveLength(2)
}
