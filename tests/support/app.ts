import { jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { and, eq } from 'drizzle-orm'
import { afterAll, expect, inject } from 'vitest'
import type { BucketDeclaration, DataOf, InputOf, OutputOf, Topic } from '#runtime'
import { type Client, createClient, createRequester } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { closeDb, db } from '#schema/db'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import { type AppId, appAction } from '#schema/messages/app'
import type { RoomEvent } from '#schema/messages/event'
import type { Role, RoomKind } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { members, rooms } from '#schema/tables/room'
import { users } from '#schema/tables/user'
import { Partitions, partitionOfKey } from '../../runtime/jetstream/partitions.ts'
import { inviteAndJoin } from './invite.ts'
import { withServerError } from './server-log.ts'
import type { ServerUrls } from './servers.ts'
import { fetchAccessToken } from './tokens.ts'

/** alice has the roles admin and user, bob has the role user, charlie has none. */
export type TestPerson = 'alice' | 'bob' | 'charlie'

const allContracts = { ...contracts, 'app.action': appAction }
type Contracts = typeof allContracts
type Name = keyof Contracts

interface Connection {
  nc: NatsConnection
  client: Client<Contracts>
}

export interface RawReply {
  /** The header `Nats-Service-Error-Code`, empty for a successful reply. */
  status: string
  body: unknown
}

export interface Mailbox<Data> {
  next(): Promise<Data>
  /** Waits for an event that matches. Removes and returns all events up to and including it. */
  until(isMatch: (data: Data) => boolean): Promise<Data[]>
  unread(): readonly Data[]
}

export type App = ReturnType<typeof createApp>

export function createApp(urls: ServerUrls) {
  const connections = new Map<TestPerson | 'functions', Promise<Connection>>()
  const clients = new Map<string, Promise<Client<Contracts>>>()

  const partitions = new Partitions(urls.partitions, [CHAT_MESSAGES])

  const app = {
    connectAs(who: TestPerson | 'functions'): Promise<Connection> {
      const existing = connections.get(who)
      if (existing) return existing
      const connection = who === 'functions' ? connectFunctions(urls) : connectPerson(urls, who)
      connections.set(who, connection)
      return connection
    },

    /**
     * Returns a client for any user, even for one who has never logged in. The client uses the
     * connection of the functions, so it needs no token of the user.
     */
    clientFor(user: string): Promise<Client<Contracts>> {
      const existing = clients.get(user)
      if (existing) return existing
      const client = app
        .connectAs('functions')
        .then(({ nc }) => createClient(nc, { contracts: allContracts, user }))
      clients.set(user, client)
      return client
    },

    async call<N extends Name>(
      name: N,
      input: InputOf<Contracts[N]>,
      as: TestPerson | 'functions',
    ): Promise<OutputOf<Contracts[N]>> {
      const { client } = await app.connectAs(as)
      return withServerError(urls.runtimeLog, () => client.call(name, input))
    },

    async request(
      subject: string,
      payload: string | Uint8Array,
      as: TestPerson,
    ): Promise<RawReply> {
      const { nc } = await app.connectAs(as)
      const requester = createRequester(nc, as)
      try {
        const reply = await requester.request(subject, payload, { timeoutMs: 5_000 })
        return { status: reply.headers?.get('Nats-Service-Error-Code') ?? '', body: reply.json() }
      } finally {
        requester.close()
      }
    },

    /** Subscribes to a topic. Each parameter of the topic that `params` omits is a wildcard. */
    async listen<T extends Topic>(
      topic: T,
      params: Record<string, string>,
      as: TestPerson | 'functions',
    ): Promise<Mailbox<DataOf<T>>> {
      const { nc, client } = await app.connectAs(as)
      const mailbox = createMailbox<DataOf<T>>()
      client.listen<Topic>(topic, params, (data) => mailbox.put(data as DataOf<T>))
      // The subscription is active once the server has answered the ping of `flush`.
      await nc.flush()
      return mailbox
    },

    /** Creates a room in the database and in ROOMS_KV, but publishes no event. */
    async createRoom(
      users: readonly string[],
      kind: RoomKind = 'public',
      roles: Partial<Record<TestPerson, Role>> = {},
    ): Promise<RoomId> {
      const room = `room-${crypto.randomUUID()}` as RoomId
      const index = await app.openIndex(room)
      await db.insert(rooms).values({ id: room, name: 'A room', kind })
      await index.put(room, JSON.stringify({ kind, closed: false }))
      for (const user of users)
        await app.addMember(room, user, kind, new Map(Object.entries(roles)).get(user))
      return room
    },

    /** Adds a member in the database and in ROOMS_KV, but publishes no event. */
    async addMember(
      room: string,
      user: string,
      kind: RoomKind,
      role: Role = 'member',
    ): Promise<void> {
      await db.insert(members).values({ room: room as RoomId, userId: user as UserId, role })
      const index = await app.openIndex(room)
      await index.put(`${room}.${user}`, JSON.stringify({ kind, role }))
    },

    async inviteAndJoin(room: string, userId: string, inviter: TestPerson): Promise<void> {
      const { client } = await app.connectAs(inviter)
      await inviteAndJoin({ room, userId, inviter: client, invitee: await app.clientFor(userId) })
    },

    /** Removes a member from the database and from ROOMS_KV, but publishes no event. */
    async removeMember(room: string, user: string): Promise<void> {
      await db
        .delete(members)
        .where(and(eq(members.room, room as RoomId), eq(members.userId, user as UserId)))
      await (await app.openIndex(room)).delete(`${room}.${user}`)
    },

    async createUsers(...people: TestPerson[]): Promise<void> {
      const rows = people.map((person) => ({ id: person as UserId, name: person }))
      await db.insert(users).values(rows).onConflictDoNothing()
    },

    /** Returns the stored events of a room, oldest first, without the replies in its threads. */
    async readEvents(room: string): Promise<RoomEvent[]> {
      const { nc } = await app.connectAs('functions')
      const manager = await jetstreamManager(nc)
      const events: RoomEvent[] = []
      for (let seq = 1; ; ) {
        const next_by_subj = `chat.${room}`
        const { stream } = partitions.streamOf(CHAT_MESSAGES, next_by_subj)
        const stored = await manager.direct
          .getMessage(stream, { seq, next_by_subj })
          .catch(() => null)
        if (!stored) return events
        events.push(stored.json())
        seq = stored.seq + 1
      }
    },

    async readLog(seq: number): Promise<StoredMsg | null> {
      const { nc } = await app.connectAs('functions')
      const manager = await jetstreamManager(nc)
      const partition = partitions.streamWith(CHAT_MESSAGES, seq)
      return partition ? manager.streams.getMessage(partition.stream, { seq }) : null
    },

    async openBucket({ bucket }: BucketDeclaration): Promise<KV> {
      const { nc } = await app.connectAs('functions')
      return new Kvm(nc).open(bucket)
    },

    /** Opens the partition of ROOMS_KV that has the room's entries. */
    openIndex(room: string): Promise<KV> {
      const index = partitionOfKey(room, urls.partitions)
      return app.openBucket(partitions.bucketsOf(ROOMS_KV)[index] ?? ROOMS_KV)
    },

    /** To test a retry, pass the client id of the first attempt. */
    send(room: string, text: string, as: TestPerson, clientId = newClientId()) {
      return app.call('send', { room, clientId, text }, as)
    },

    act(id: string, room: string, action: string, data: unknown, as: TestPerson) {
      const input = { app: id as AppId, room: room as RoomId, action, data }
      return app.call('app.action', input, as)
    },

    async waitForRows(room: string, count: number) {
      for (;;) {
        const rows = await db
          .select()
          .from(messages)
          .where(eq(messages.room, room as RoomId))
          .orderBy(messages.seq)
        if (rows.length >= count) return rows
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },

    async [Symbol.asyncDispose]() {
      for (const connection of connections.values()) await connection.then(({ nc }) => nc.close())
    },
  }
  return app
}

/** Returns an `App` for the servers that all test files share, and closes it after this file. */
export function useApp(): App {
  const urls = inject('servers')
  process.env.DATABASE_URL = urls.databaseUrl
  const app = createApp(urls)
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await closeDb()
  })
  return app
}

/**
 * Repeats a call until it is rejected, and returns the code of the error. Throws if this takes over
 * a second.
 */
export async function nextRejection(attempt: () => Promise<unknown>): Promise<string> {
  for (const startedAt = performance.now(); ; ) {
    const elapsedMs = performance.now() - startedAt
    const code = await attempt().then(
      () => undefined,
      (error: { code: string }) => error.code,
    )
    if (code !== undefined) return code
    if (elapsedMs > 1_000) throw new Error('The call still succeeds after one second')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Expects that the error for a hidden room or message does not reveal that its id exists. */
export async function expectSameRejection<Id extends string>(
  call: (id: Id) => Promise<unknown>,
  { hidden, absent, code = 'forbidden' }: { hidden: Id; absent: Id; code?: string },
): Promise<void> {
  const rejectionOf = (id: Id): Promise<{ code?: string; message?: string }> =>
    call(id).then(
      () => ({}),
      (error) => error,
    )

  const [onHidden, onAbsent] = [await rejectionOf(hidden), await rejectionOf(absent)]

  expect(onHidden).toMatchObject({ code })
  expect(onAbsent.code).toBe(onHidden.code)
  expect(onAbsent.message?.replace(absent, hidden)).toBe(onHidden.message)
}

export function newClientId(at = Date.now()): string {
  const time = at.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}

/** Makes the text so long that notices do not contain it. */
export function longText(text: string): string {
  return text.padEnd(1_001, '.')
}

export function newMessageId(): MessageId {
  return crypto.randomUUID().replaceAll('-', '') as MessageId
}

export function newRoomId(): RoomId {
  return `room-${crypto.randomUUID()}` as RoomId
}

/** Returns a new id, so that no other test causes events for this user. */
export function newUserId(): UserId {
  return `user-${crypto.randomUUID()}` as UserId
}

export function newUserIds(count: number): UserId[] {
  return Array.from({ length: count }, newUserId)
}

async function connectPerson(urls: ServerUrls, person: TestPerson): Promise<Connection> {
  const token = await fetchAccessToken(urls.issuer, person)
  const nc = await connect({ servers: urls.nats, token, inboxPrefix: `_INBOX_${person}` })
  return { nc, client: createClient(nc, { contracts: allContracts, user: person }) }
}

async function connectFunctions(urls: ServerUrls): Promise<Connection> {
  const { username, password, host } = new URL(urls.functionsNats)
  const nc = await connect({ servers: host, user: username, pass: password })
  return { nc, client: createClient(nc, { contracts: allContracts }) }
}

function createMailbox<Data>(): Mailbox<Data> & { put(data: Data): void } {
  const unread: Data[] = []
  let arrived = Promise.withResolvers<void>()

  async function next() {
    for (;;) {
      const oldest = unread.shift()
      if (oldest !== undefined) return oldest
      arrived = Promise.withResolvers()
      await arrived.promise
    }
  }

  return {
    put(data) {
      unread.push(data)
      arrived.resolve()
    },
    next,
    unread: () => unread,
    async until(isMatch) {
      const read: Data[] = []
      for (;;) {
        const data = await next()
        read.push(data)
        if (isMatch(data)) return read
      }
    },
  }
}
