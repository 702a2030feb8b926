import { jetstreamManager } from '@nats-io/jetstream'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { closeDb, db } from '#schema/db'
import { CHAT_MESSAGES } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { type App, createApp, newClientId } from '../harness.ts'
import { type Servers, startServers } from '../servers.ts'

// Servers of its own, since here the runtime is killed and the tables are emptied.
let servers: Servers
let app: App

beforeAll(async () => {
  servers = await startServers(inject('servers').database)
  process.env.DATABASE_URL = servers.urls.databaseUrl
})
beforeEach(() => {
  app = createApp(servers.urls)
  return () => app[Symbol.asyncDispose]()
})
afterAll(async () => {
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})

describe('persist', () => {
  it('keeps what was said, with the sequence and the time of the answer', async () => {
    const room = await app.givenRoom(['alice'])
    const clientId = newClientId()

    const { id, seq, at } = await app.say(room, 'hello', 'alice', clientId)

    expect(await app.rowsOf(room, 1)).toEqual([
      { id, room, seq, sender: 'alice', clientId, text: 'hello', at: new Date(at) },
    ])
  })

  it('keeps a thousand messages that come at once, in their order', async () => {
    const room = await app.givenRoom(['alice', 'bob'])

    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        app.say(room, `${index}`, index % 2 ? 'alice' : 'bob'),
      ),
    )

    const rows = await app.rowsOf(room, 1_000)
    const said = answers.toSorted((a, b) => a.seq - b.seq)
    expect(rows.map(({ id, seq, at }) => ({ id, seq, at: at.toISOString() }))).toEqual(said)
  })

  it('loses nothing that was acknowledged when the runtime is killed before it is kept', async () => {
    const room = await app.givenRoom(['alice'])
    const release = await holdTable()

    const answers = []
    for (let index = 0; index < 20; index++) answers.push(await app.say(room, `${index}`, 'alice'))
    await servers.runtime.kill('SIGKILL')
    await release()
    await servers.runtime.restart()

    const rows = await app.rowsOf(room, 20)
    expect(rows.map(({ id, seq }) => ({ id, seq }))).toEqual(
      answers.map(({ id, seq }) => ({ id, seq })),
    )
  }, 120_000)

  it('answers a retry after the crash as it would have answered before', async () => {
    const room = await app.givenRoom(['alice'])
    const clientId = newClientId()
    const first = await app.say(room, 'once', 'alice', clientId)
    await app.rowsOf(room, 1)

    await servers.runtime.kill('SIGKILL')
    await servers.runtime.restart()
    const again = await app.say(room, 'once', 'alice', clientId)
    const last = await app.say(room, 'last', 'alice')

    expect(again).toEqual(first)
    const rows = await app.rowsOf(room, 2)
    expect(rows.map(({ seq }) => seq)).toEqual([first.seq, last.seq])
  }, 120_000)

  it('draws the same rows from the log when the table is lost', async () => {
    const room = await app.givenRoom(['alice', 'bob'])
    for (let index = 0; index < 30; index++)
      await app.say(room, `${index} 'é' 😀`, index % 2 ? 'alice' : 'bob')
    await app.rowsOf(room, 30)
    const before = await allRows()

    await servers.runtime.stop()
    await db.execute(sql`truncate messages`)
    await forgetProgress()
    await servers.runtime.restart()

    await app.rowsOf(room, 30)
    await expect.poll(allRows, { timeout: 20_000 }).toEqual(before)
  }, 120_000)

  it('keeps a message once that stands in the log twice', async () => {
    const room = await app.givenRoom(['alice'])
    const clientId = newClientId()
    const { id, seq, at } = await app.say(room, 'once', 'alice', clientId)

    // What a retry leaves behind that comes after the log has forgotten and before it is kept.
    const { nc } = await app.connectAs('functions')
    const again = { id, sender: 'alice', clientId, text: 'once', at }
    nc.publish(`chat.${room}`, JSON.stringify(again))
    const last = await app.say(room, 'last', 'alice')

    const rows = await app.rowsOf(room, 2)
    expect(rows.map((row) => row.seq)).toEqual([seq, last.seq])
  })
})

function allRows() {
  return db.select().from(messages).orderBy(messages.seq)
}

/** Keeps everybody from writing messages until released, so that what is acknowledged is not kept. */
async function holdTable() {
  const held = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const holding = db.transaction(async (tx) => {
    await tx.execute(sql`lock table messages in exclusive mode`)
    held.resolve()
    await released.promise
  })
  await Promise.race([held.promise, holding])
  return async () => {
    released.resolve()
    await holding
  }
}

/** Makes the log's reader begin again: how far it came is kept by the log. */
async function forgetProgress() {
  const { nc } = await app.connectAs('functions')
  const manager = await jetstreamManager(nc)
  const consumers = await Array.fromAsync(manager.consumers.list(CHAT_MESSAGES.stream))
  expect(consumers).toHaveLength(1)
  for (const { name } of consumers) await manager.consumers.delete(CHAT_MESSAGES.stream, name)
}
