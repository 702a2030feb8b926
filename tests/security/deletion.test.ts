import { jetstreamManager } from '@nats-io/jetstream'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDb, db } from '#schema/db'
import { type NotifyId, type RoomId, toNotifyId } from '#schema/ids'
import { deliverNotify } from '#schema/messages/event'
import { type App, createApp, newClientId } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'

let servers: Servers
let app: App

// These tests run a second runtime, because each runtime has its own caches: while one of them
// handles a change, the other may have cached the state before it.
beforeAll(async () => {
  servers = await startServers('postgres')
  process.env.DATABASE_URL = servers.urls.databaseUrl
  await servers.startAnother('other')
  app = createApp(servers.urls)
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})

/** Reads the message by each function that can return it, often enough to reach both runtimes. */
async function readAll(room: RoomId, notifyId: NotifyId, threadId: string | undefined) {
  const readAs = async (as: 'alice' | 'bob' | 'charlie') => [
    await app.call('msg.get', { notifyId }, as),
    await app.call('chat.history', { room }, as),
    await app.call('chat.sync', { room, since: 0 }, as),
    ...(as === 'charlie' ? [] : [await app.call('msg.versions', { notifyId }, as)]),
    ...(threadId ? [await app.call('chat.history.thread', { room, threadId }, as)] : []),
  ]
  const times = Array.from({ length: 4 })
  const people = ['alice', 'bob', 'charlie'] as const
  return JSON.stringify(await Promise.all(times.flatMap(() => people.map(readAs))))
}

/** Returns the content of all streams, including those of buckets and dead letters. */
async function readStreams(): Promise<string> {
  const { nc } = await app.connectAs('functions')
  const manager = await jetstreamManager(nc)
  const contents: string[] = []
  for await (const { config, state } of manager.streams.list())
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const stored = await manager.streams.getMessage(config.name, { seq }).catch(() => null)
      if (stored) contents.push(`${config.name} ${stored.subject} ${stored.string()}`)
    }
  return contents.join('\n')
}

async function readTables(): Promise<string> {
  const tables = await db.execute<{ name: string }>(
    sql`select table_name as name from information_schema.tables where table_schema = 'public'`,
  )
  const contents = await Promise.all(
    tables.map(({ name }) => db.execute(sql`select * from ${sql.identifier(name)}`)),
  )
  return JSON.stringify(contents)
}

describe('a deleted message', () => {
  it.each([
    ['in a room, deleted by its sender', undefined, 'bob'],
    ['in a room, deleted by a moderator', undefined, 'alice'],
    ['in a thread, deleted by its sender', 'thread', 'bob'],
  ] as const)('is absent from every stream, table and response: %s', async (_name, where, by) => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'private', { alice: 'owner' })
    const secrets = ['said', 'edited', 'again'].map((name) => `${name}-${crypto.randomUUID()}`)
    const [original = '', edited = '', reedited = ''] = secrets
    const first = await app.send(room, 'what stays', 'alice')
    const threadId = where && first.id
    const message = { room, clientId: newClientId(), text: original }
    const sent = threadId
      ? await app.call('send.thread', { ...message, threadId }, 'bob')
      : await app.call('send', message, 'bob')
    const notifyId = toNotifyId(sent)
    for (const text of [edited, reedited]) await app.call('msg.edit', { notifyId, text }, 'bob')
    for (const secret of secrets)
      await expect.poll(readTables, { timeout: 10_000 }).toContain(secret)
    const before = await readAll(room, notifyId, threadId)
    const stored = [await readStreams(), await readTables()]
    const toCharlie = await app.listen(deliverNotify, { user: 'charlie', room }, 'charlie')

    await app.call('msg.delete', { notifyId }, by)

    const notices = await toCharlie.until(({ kind }) => kind === 'delete')
    for (const secret of secrets) {
      for (const text of [before, ...stored]) expect(text).toContain(secret)
      for (const text of [JSON.stringify(notices), await readStreams(), await readTables()])
        expect(text).not.toContain(secret)
      expect(await readAll(room, notifyId, threadId)).not.toContain(secret)
    }
    expect(await readAll(room, notifyId, threadId)).toContain('what stays')
  })
})
