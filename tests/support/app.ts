import { jetstreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { and, eq } from 'drizzle-orm'
import { afterAll, inject } from 'vitest'
import type { BucketDeclaration, DataOf, InputOf, OutputOf, Topic } from '#runtime'
import { type Client, createClient, createRequester } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { closeDb, db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import type { RoomEvent } from '#schema/messages/event'
import type { Role, RoomKind } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { members, rooms } from '#schema/tables/room'
import { users } from '#schema/tables/user'
import type { ServerUrls } from './servers.ts'

/** The people the issuer knows: alice is admin and user, bob is user, charlie has no role. */
export type TestPerson = 'alice' | 'bob' | 'charlie'

type Contracts = typeof contracts
type Name = keyof Contracts

interface Connected {
  nc: NatsConnection
  client: Client<Contracts>
}

/** What came back on the wire, before any client makes sense of it. */
export interface RawAnswer {
  /** The header `Nats-Service-Error-Code`; empty for an answer that is a value. */
  status: string
  body: unknown
}

/** What was heard and not yet asked for, in the order in which it came. */
export interface Mailbox<Data> {
  /** The oldest of it, as soon as there is one. */
  next(): Promise<Data>
  /** All of it up to the first that is meant, as soon as that has come. */
  until(isMeant: (data: Data) => boolean): Promise<Data[]>
  /** What has come and was not asked for. */
  unread(): readonly Data[]
}

export type App = ReturnType<typeof createApp>

/** The system as its callers see it: people at the front, functions behind. */
export function createApp(urls: ServerUrls) {
  // One connection each, made when somebody first speaks.
  const connected = new Map<TestPerson | 'functions', Promise<Connected>>()

  const app = {
    connectAs(who: TestPerson | 'functions'): Promise<Connected> {
      const known = connected.get(who)
      if (known) return known
      const made = who === 'functions' ? connectFunctions(urls) : connectPerson(urls, who)
      connected.set(who, made)
      return made
    },

    /** Asks a function as somebody. Rejects with what it refused with. */
    async call<N extends Name>(
      name: N,
      input: InputOf<Contracts[N]>,
      as: TestPerson | 'functions',
    ): Promise<OutputOf<Contracts[N]>> {
      const { client } = await app.connectAs(as)
      return client.call(name, input)
    },

    /** Sends bytes to a subject and shows what came back. */
    async ask(subject: string, payload: string | Uint8Array, as: TestPerson): Promise<RawAnswer> {
      const { nc } = await app.connectAs(as)
      const requester = createRequester(nc, `_INBOX_${as}`)
      try {
        const reply = await requester.request(subject, payload, { timeoutMs: 5_000 })
        return { status: reply.headers?.get('Nats-Service-Error-Code') ?? '', body: reply.json() }
      } finally {
        requester.close()
      }
    },

    /** Hears a topic from now on. What is left out of `params` may be anything. */
    async listen<T extends Topic>(
      topic: T,
      params: Record<string, string>,
      as: TestPerson | 'functions',
    ): Promise<Mailbox<DataOf<T>>> {
      const { nc, client } = await app.connectAs(as)
      const mailbox = createMailbox<DataOf<T>>()
      client.listen(topic, params as never, (data) => mailbox.put(data as DataOf<T>))
      // The server has the subscription once it answers.
      await nc.flush()
      return mailbox
    },

    /**
     * A new room with these people in it, in the database and in the live index. Everybody is a plain
     * member, unless `roles` says more.
     */
    async givenRoom(
      people: TestPerson[],
      kind: RoomKind = 'public',
      roles: Partial<Record<TestPerson, Role>> = {},
    ): Promise<RoomId> {
      const room = `room-${crypto.randomUUID()}` as RoomId
      const index = await app.openBucket(ROOMS_KV)
      await db.insert(rooms).values({ id: room, name: 'A room', kind })
      await index.put(room, JSON.stringify({ kind, closed: false }))
      for (const person of people) {
        const role = roles[person] ?? 'member'
        await db.insert(members).values({ room, userId: person as UserId, role })
        await index.put(`${room}.${person}`, JSON.stringify({ kind, role }))
      }
      return room
    },

    /** Ends a membership, in the database and in the live index, and tells nobody. */
    async removeMember(room: RoomId, person: TestPerson): Promise<void> {
      await db
        .delete(members)
        .where(and(eq(members.room, room), eq(members.userId, person as UserId)))
      await (await app.openBucket(ROOMS_KV)).delete(`${room}.${person}`)
    },

    /** Has people been here once, as those must have who are invited or written to. */
    async givenPeople(...people: TestPerson[]): Promise<void> {
      const rows = people.map((person) => ({ id: person as UserId, name: person }))
      await db.insert(users).values(rows).onConflictDoNothing()
    },

    /** All that the log has of a room, in its order. */
    async eventsOf(room: RoomId): Promise<RoomEvent[]> {
      const { nc } = await app.connectAs('functions')
      const manager = await jetstreamManager(nc)
      const events: RoomEvent[] = []
      for (let seq = 1; ; ) {
        const query = { seq, next_by_subj: `chat.${room}` }
        const stored = await manager.direct
          .getMessage(CHAT_MESSAGES.stream, query)
          .catch(() => null)
        if (!stored) return events
        events.push(stored.json())
        seq = stored.seq + 1
      }
    },

    /** A bucket as it lies on the server. */
    async openBucket({ bucket }: BucketDeclaration): Promise<KV> {
      const { nc } = await app.connectAs('functions')
      return new Kvm(nc).open(bucket)
    },

    /** Says something in a room, as a client that made its id just now. */
    say(room: string, text: string, as: TestPerson, clientId = newClientId()) {
      return app.call('send', { room, clientId, text }, as)
    },

    /** The rows of a room, as soon as there are so many. */
    async rowsOf(room: RoomId, count: number) {
      for (;;) {
        const rows = await db
          .select()
          .from(messages)
          .where(eq(messages.room, room))
          .orderBy(messages.seq)
        if (rows.length >= count) return rows
        // The database tells nobody what arrived; asking again is the only way.
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },

    async [Symbol.asyncDispose]() {
      for (const made of connected.values()) await made.then(({ nc }) => nc.close())
    },
  }
  return app
}

/** The system that this run's tests share. */
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
 * What something is refused with that was allowed until now. Throws when it is still allowed to whoever
 * asks a second from now; how long an answer takes does not matter.
 */
export async function nextRejection(ask: () => Promise<unknown>): Promise<string> {
  for (const since = performance.now(); ; ) {
    const askedAfter = performance.now() - since
    const code = await ask().then(
      () => undefined,
      (error: { code: string }) => error.code,
    )
    if (code !== undefined) return code
    if (askedAfter > 1_000) throw new Error('It is still allowed after a second')
    // Nobody is told that they are refused from now on: only asking shows it.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** What a client calls a message that was written at this time: a UUIDv7. */
export function newClientId(at = Date.now()): string {
  const time = at.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}

async function connectPerson(urls: ServerUrls, person: TestPerson): Promise<Connected> {
  const token = await readToken(urls.issuer, person)
  const nc = await connect({ servers: urls.nats, token, inboxPrefix: `_INBOX_${person}` })
  return { nc, client: createClient(nc, { contracts, user: person }) }
}

async function connectFunctions(urls: ServerUrls): Promise<Connected> {
  const { username, password, host } = new URL(urls.functionsNats)
  const nc = await connect({ servers: host, user: username, pass: password })
  return { nc, client: createClient(nc, { contracts }) }
}

/** What the issuer gives a command-line tool for a name and a password. */
async function readToken(issuer: string, person: TestPerson): Promise<string> {
  const response = await fetch(`${issuer}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: 'natter-cli',
      username: person,
      password: `${person}123`,
      scope: 'openid',
    }),
  })
  if (!response.ok) throw new Error(`No token for ${person}: ${await response.text()}`)
  const { access_token } = (await response.json()) as { access_token: string }
  return access_token
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
    async until(isMeant) {
      const read: Data[] = []
      for (;;) {
        const data = await next()
        read.push(data)
        if (isMeant(data)) return read
      }
    },
  }
}
